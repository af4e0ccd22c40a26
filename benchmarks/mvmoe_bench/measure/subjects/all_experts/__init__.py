"""What tracing gives: one graph that routes, computes every expert, and masks."""

import sys
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, SubjectLook
from mvmoe_bench.measure.subjects.whole_model import WholeModel

NAME = "all-experts"
PER_TARGET = True
NEEDS_MODEL = True
ANSWERS = "own"
LOOK = SubjectLook(
    colour="c2",
    ratio_colour="c2",
    description="one graph that computes every expert and masks them: what tracing gives",
    ratio_meaning="computing all experts, over the dispatcher",
    in_sentences="Computing every expert for every image, as a traced model does,",
    key_figure=True,
)


def prepare(request: Preparation) -> str:
    """Export the graph by the target's own exporter."""
    from mvmoe_bench.measure.subjects.making import make_all_experts

    path: Path = request.folder / NAME
    make_all_experts(request.model, request.record, path)
    return str(path)


def make(order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
    """The one graph that answers every image."""
    return WholeModel(order, images, lambda query: "all_experts", watch)


PART = sys.modules[__name__]
