"""`torch.compile` with its default backend: the model's own forward, compiled for this machine."""

from typing import Literal

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook
from mvmoe_bench.measure.subjects.pytorch import PyTorchSubject, load_model


class CompileKind:
    """The model's own forward, compiled by the default backend of `torch.compile`."""

    name = "compile"
    per_target = False
    needs_model = True
    answers: Literal["imposed", "own"] | None = "imposed"
    is_started_alone = False
    holds_one_route = False
    look = SubjectLook(
        description="PyTorch with torch.compile",
        ratio_meaning="torch.compile, over the dispatcher",
    )

    def prepare(self, request: Preparation) -> str:
        """The checkpoint is all it needs."""
        return str(request.checkpoint)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> PyTorchSubject:
        """The compiled model; the first answers compile it."""
        import torch

        model = torch.compile(load_model(order))
        watch.lap("open")
        return PyTorchSubject(model, images, compiled=True)


PART = CompileKind()
