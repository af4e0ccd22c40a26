"""PyTorch itself, eager: the model's own forward."""

from typing import Literal

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook
from mvmoe_bench.measure.subjects.pytorch import PyTorchSubject, load_model


class EagerKind:
    """PyTorch itself, eager: the model's own forward."""

    name = "eager"
    per_target = False
    needs_model = True
    answers: Literal["imposed", "own"] | None = "imposed"
    is_started_alone = False
    holds_one_route = False
    look = SubjectLook(
        description="PyTorch, the model's own forward",
        ratio_meaning="PyTorch as it is, over the dispatcher",
    )

    def prepare(self, request: Preparation) -> str:
        """The checkpoint is all it needs."""
        return str(request.checkpoint)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> PyTorchSubject:
        """The model in inference mode. Sets the threads of PyTorch for the whole process."""
        model = load_model(order)
        watch.lap("open")
        return PyTorchSubject(model, images, compiled=False)


PART = EagerKind()
