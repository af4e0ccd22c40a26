"""A dense model of equal active multiply-accumulates: one route's layers and no router."""

from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.measure.subjects.whole_model import OneGraphKind

PART = OneGraphKind(
    name="dense",
    module="Dense",
    answers=None,
    look=SubjectLook(
        description=(
            "a model without routing that does as many operations an image as the routed one"
        ),
        ratio_meaning="a model without routing, as much work an image",
        in_sentences="A dense model (no routing) that does as much work an image",
    ),
)
