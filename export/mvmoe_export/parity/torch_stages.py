"""A model's own stages as an engine: what PyTorch computes of them, on NumPy arrays."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.run_stages import Vectors
from mvmoe_export.user_code import user_code

_AT_ONCE = 32
"""Images in one call: attention over all of them would take too much memory."""


class TorchStages:
    """The engine that a model's own stages are."""

    def __init__(self, model: RoutedModel) -> None:
        self._model = model

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return self._run(self._model.stage(0, ()).eval(), images)

    def step(self, stage: int, route: Route, tokens: np.ndarray, gates: np.ndarray) -> Vectors:
        """What a routed stage gives."""
        return self._run(self._model.stage(stage, route).eval(), tokens, gates)

    @staticmethod
    def _run(module: Callable[..., Tensor | tuple[Tensor, ...]], *inputs: np.ndarray) -> Vectors:
        """A stage on `[n, ...]`, some rows at a time."""
        parts = []
        with torch.no_grad():
            for first in range(0, len(inputs[0]), _AT_ONCE):
                rows = slice(first, first + _AT_ONCE)
                # Copies: a module may change what it is given.
                given = (torch.from_numpy(array[rows].copy()) for array in inputs)
                with user_code(f"{type(module).__name__}.forward"):
                    output = module(*given)
                parts.append(output if isinstance(output, tuple) else (output,))
        columns = [torch.cat(column).detach().numpy() for column in zip(*parts, strict=True)]
        names = ("next_tokens", "logits") if len(columns) > 1 else ("answer",)
        return dict(zip(names, columns, strict=True))
