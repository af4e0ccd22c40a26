"""A dense model of equal active multiply-accumulates: one route's layers and no router."""

import sys
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook
from mvmoe_bench.measure.subjects.whole_model import WholeModel

NAME = "dense"
PER_TARGET = True
NEEDS_MODEL = True
ANSWERS = None
LOOK = SubjectLook(
    description="a model without routing that does as many operations an image as the routed one",
    ratio_meaning="a model without routing, as much work an image",
    in_sentences="A dense model (no routing) that does as much work an image",
)


def prepare(request: Preparation) -> str:
    """Export the graph by the target's own exporter."""
    from mvmoe_bench.measure.subjects.making import make_dense

    path: Path = request.folder / NAME
    make_dense(request.model, request.record, path)
    return str(path)


def make(order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
    """The one graph; its answers mean nothing."""
    return WholeModel(order, images, lambda query: "dense", watch)


PART = sys.modules[__name__]
