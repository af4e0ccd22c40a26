"""PyTorch itself, eager: the model's own forward."""

import sys
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, Subject, SubjectLook

NAME = "eager"
PER_TARGET = False
NEEDS_MODEL = True
ANSWERS = "imposed"
LOOK = SubjectLook(
    description="PyTorch, the model's own forward",
    ratio_meaning="PyTorch as it is, over the dispatcher",
)


def prepare(request: Preparation) -> str:
    """The checkpoint is all it needs."""
    return str(request.checkpoint)


def make(order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> "PyTorchSubject":
    """The model in inference mode. Sets the threads of PyTorch for the whole process."""
    model = load_model(order)
    watch.lap("open")
    return PyTorchSubject(model, images, "eager")


def load_model(order: SubjectOrder):
    """The model of the order's checkpoint, with its number of threads set."""
    import torch

    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.presets import configuration

    torch.set_num_threads(order.threads)
    config = configuration(order.config) if order.config else None
    return load_checkpoint(Path(order.root), config, weights=order.weights).model.eval()


class PyTorchSubject(Subject):
    """A module that takes images and, if they are imposed, routes."""

    def __init__(self, model, images: np.ndarray, mode: str) -> None:
        import torch

        # What dynamo compiles must not meet inference tensors: its guards fail on them.
        self._context = torch.inference_mode if mode == "eager" else torch.no_grad
        self._model = model
        self._images = torch.from_numpy(images)
        self.actual = EngineChoice(engine=f"PyTorch {torch.__version__} ({mode})", provider="CPU")

    def answer(self, query: Query) -> np.ndarray:
        """The model's own forward."""
        with self._context():
            image = self._images[query.image : query.image + 1]
            if query.forced:
                return self._model(image, query.routes).numpy()
            return self._model(image).numpy()

    def close(self) -> None:
        """Forget the model."""
        self._model = None


PART = sys.modules[__name__]
