"""One graph that routes and gathers the weights of the selected experts."""

import sys
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook
from mvmoe_bench.measure.subjects.whole_model import WholeModel

NAME = "gather"
PER_TARGET = True
NEEDS_MODEL = True
ANSWERS = "own"
LOOK = SubjectLook(
    description="one graph that fetches the selected expert's weights while it runs",
    ratio_meaning="gathering weights in the graph, over the dispatcher",
)


def prepare(request: Preparation) -> str:
    """Export the graph by the target's own exporter."""
    from mvmoe_bench.measure.subjects.making import make_gather

    path: Path = request.folder / NAME
    make_gather(request.model, request.record, path)
    return str(path)


def make(order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
    """The one graph that answers every image."""
    return WholeModel(order, images, lambda query: "gather", watch)


PART = sys.modules[__name__]
