"""A model's own stages as an engine: what PyTorch computes of them, on NumPy arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.run_stages import Vectors
from mvmoe_export.flow import ModelFlow, as_tuple

_AT_ONCE = 32
"""Images in one call: attention over all of them would take too much memory."""


class TorchStages:
    """The engine that a model's own stages are."""

    def __init__(self, model: RoutedModel, flow: ModelFlow) -> None:
        self._model = model
        self.flows = flow.stages

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        return self._run(0, (), [images])

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives."""
        names = self.flows[stage].record.takes
        return self._run(stage, route, [*(tensors[name] for name in names), gates])

    def _run(self, stage: int, route: Route, inputs: Sequence[np.ndarray]) -> Vectors:
        """A stage on `[n, ...]`, some rows at a time; its outputs by the graphs' names of them."""
        flow = self.flows[stage]
        columns = zip(*_in_parts(flow.module(self._model, route), inputs), strict=True)
        return {
            name: torch.cat(column).detach().numpy()
            for name, column in zip(flow.record.gives, columns, strict=True)
        }


def _in_parts(module: Callable[..., Any], inputs: Sequence[np.ndarray]) -> list[tuple[Any, ...]]:
    """What a module gives for a few rows at a time."""
    parts = []
    with torch.no_grad():
        for first in range(0, len(inputs[0]), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            # Copies: a module may change what it is given.
            given = (torch.from_numpy(array[rows].copy()) for array in inputs)
            with user_code(f"{type(module).__name__}.forward"):
                parts.append(as_tuple(module(*given)))
    return parts
