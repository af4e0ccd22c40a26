"""The section on host time: what an answer takes above its graphs alone."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.host_time.figures import host_time
from mvmoe_bench.report.sections.host_time.view import sentences, view

PART = SectionPart(
    name="host-time",
    title="What the dispatcher adds to its graphs",
    order=310,
    figures=host_time,
    view=view,
    missing="host time",
    sentences=sentences,
    terms=(
        ("host time", "What an answer takes above its graphs alone, one after the other with "
         "everything known and bound beforehand: selecting the route, finding its graph, timers."),
    ),
)  # fmt: skip
