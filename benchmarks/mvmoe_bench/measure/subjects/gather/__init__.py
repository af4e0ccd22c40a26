"""One graph that routes and gathers the weights of the selected experts."""

from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.measure.subjects.whole_model import OneGraphKind

PART = OneGraphKind(
    name="gather",
    module="Gather",
    answers="own",
    look=SubjectLook(
        description="one graph that fetches the selected expert's weights while it runs",
        ratio_meaning="gathering weights in the graph, over the dispatcher",
    ),
)
