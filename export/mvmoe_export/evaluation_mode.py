"""A model in evaluation mode for the time of an export."""

import contextlib
from collections.abc import Iterator
from typing import Any

from torch import nn


@contextlib.contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Put every module of a model into evaluation mode; afterwards each is in the mode it was in.

    Also where the body raises. A model that is no `torch.nn.Module` is left alone.
    """
    modes = []
    if isinstance(model, nn.Module):
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
