"""The subjects that run the PyTorch model itself, eager or compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects.contract import (
    Preparation,
    Stopwatch,
    Subject,
    SubjectKind,
    SubjectLook,
)
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mvmoe_deploy.models.contract import RoutedModel


def load_model(order: SubjectOrder) -> "RoutedModel":
    """The model of the order's checkpoint, with its number of threads set."""
    import torch

    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.presets import configuration

    torch.set_num_threads(order.threads)
    config = configuration(order.config) if order.config else None
    return load_checkpoint(Path(order.root), config, weights=order.weights).model.eval()


class PyTorchSubject(Subject):
    """A module that takes images and, if they are imposed, routes."""

    def __init__(self, model: "Callable[..., Tensor]", images: np.ndarray, compiled: bool) -> None:
        import torch

        # What dynamo compiles must not meet inference tensors: its guards fail on them.
        self._context = torch.inference_mode if not compiled else torch.no_grad
        self._model: Callable[..., Tensor] | None = model
        self._images = torch.from_numpy(images)
        self.actual = EngineChoice(
            engine=f"PyTorch {torch.__version__} ({'compiled' if compiled else 'eager'})",
            provider="CPU",
        )

    def answer(self, query: Query) -> np.ndarray:
        """The model's own forward."""
        model = self._model
        if model is None:
            raise InputError("a subject that was closed was asked to answer; make it again")
        with self._context():
            image = self._images[query.image : query.image + 1]
            if query.forced:
                return model(image, query.routes).numpy()
            return model(image).numpy()

    def close(self) -> None:
        """Forget the model."""
        self._model = None


@dataclass(frozen=True)
class PyTorchKind(SubjectKind):
    """The model's own forward in inference mode, as it is or compiled by `torch.compile`."""

    name: str
    look: SubjectLook
    compiled: bool
    per_target: bool = False

    def prepare(self, request: Preparation) -> str:
        """The checkpoint is all it needs."""
        return str(request.checkpoint)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> PyTorchSubject:
        """The model; if compiled, by its first answers. Sets the threads of the whole process."""
        import torch

        model = load_model(order)
        answering = torch.compile(model) if self.compiled else model
        watch.lap("open")
        return PyTorchSubject(answering, images, self.compiled)
