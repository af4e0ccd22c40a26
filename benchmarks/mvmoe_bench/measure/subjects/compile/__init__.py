"""`torch.compile` with its default backend: the model's own forward, compiled for this machine."""

import sys

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects import eager
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook

NAME = "compile"
PER_TARGET = False
NEEDS_MODEL = True
ANSWERS = "imposed"
LOOK = SubjectLook(
    description="PyTorch with torch.compile",
    ratio_meaning="torch.compile, over the dispatcher",
)


def prepare(request: Preparation) -> str:
    """The checkpoint is all it needs."""
    return eager.prepare(request)


def make(order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> eager.PyTorchSubject:
    """The compiled model; the first answers compile it."""
    import torch

    model = torch.compile(eager.load_model(order))
    watch.lap("open")
    return eager.PyTorchSubject(model, images, "compile")


PART = sys.modules[__name__]
