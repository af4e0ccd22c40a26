"""What tracing gives: one graph that routes, computes every expert, and masks."""

from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.measure.subjects.whole_model import OneGraphKind

PART = OneGraphKind(
    name="all-experts",
    module="AllExperts",
    answers="own",
    look=SubjectLook(
        colour="c2",
        description="one graph that computes every expert and masks them: what tracing gives",
        ratio_meaning="computing all experts, over the dispatcher",
        in_sentences="Computing every expert for every image, as a traced model does,",
        tile="tracing would cost",
        tile_note="than routing, since it computes every expert",
    ),
    is_started_alone=True,
)
