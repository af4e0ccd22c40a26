"""The subjects that run the PyTorch model itself, eager or compiled."""

from collections.abc import Callable, Sequence
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
from mvmoe_deploy.runtime.prediction import Outputs

if TYPE_CHECKING:
    from mvmoe_deploy.models.contract import ModelOutput, RoutedModel


def load_model(order: SubjectOrder) -> "RoutedModel":
    """The model of the order's checkpoint or factory, with its number of threads set."""
    import torch

    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.own_module import is_factory
    from mvmoe_deploy.models.presets import configuration

    torch.set_num_threads(order.threads)
    if order.config is not None and is_factory(order.config):
        return _own_model(order.config, order.root, order.weights)
    config = configuration(order.config) if order.config else None
    return load_checkpoint(Path(order.root), config, weights=order.weights).model.eval()


def _own_model(factory: str, root: str, weights: str | None) -> "RoutedModel":
    """A user's own model, with the weights of a checkpoint if there is one."""
    from mvmoe_deploy.models.own_family import routed
    from mvmoe_deploy.models.own_module import make_own_module
    from mvmoe_deploy.models.own_weights import load_own_weights

    model = make_own_module(factory)
    if root:
        load_own_weights(model, Path(root), weights)
    return routed(model).eval()


class PyTorchSubject(Subject):
    """A module that takes images and, if they are imposed, routes."""

    def __init__(
        self,
        model: "Callable[..., ModelOutput]",
        images: np.ndarray,
        outputs: Sequence[str],
        compiled: bool,
    ) -> None:
        import torch

        # What dynamo compiles must not meet inference tensors: its guards fail on them.
        self._context = torch.inference_mode if not compiled else torch.no_grad
        self._model: Callable[..., ModelOutput] | None = model
        self._names = tuple(outputs)
        self._images = torch.from_numpy(images)
        self.actual = EngineChoice(
            engine=f"PyTorch {torch.__version__} ({'compiled' if compiled else 'eager'})",
            provider="CPU",
        )

    def answer(self, query: Query) -> Outputs:
        """The model's own forward."""
        model = self._model
        if model is None:
            raise InputError("a subject that was closed was asked to answer; make it again")
        with self._context():
            image = self._images[query.image : query.image + 1]
            given = model(image, query.routes) if query.forced else model(image)
        named = given if isinstance(given, dict) else {self._names[0]: given}
        return {name: named[name].numpy() for name in self._names}

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
        return "" if request.checkpoint is None else str(request.checkpoint)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> PyTorchSubject:
        """The model; if compiled, by its first answers. Sets the threads of the whole process."""
        import torch

        from mvmoe_deploy.models.stage_tensors import declared_outputs

        model = load_model(order)
        answering = torch.compile(model) if self.compiled else model
        watch.lap("open")
        return PyTorchSubject(answering, images, list(declared_outputs(model)), self.compiled)
