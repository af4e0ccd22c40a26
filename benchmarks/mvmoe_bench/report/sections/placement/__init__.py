"""The section on placement: where operators run, measured and estimated."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.placement.figures import placement
from mvmoe_bench.report.sections.placement.view import view

PART = SectionPart(
    name="placement",
    title="Where operators run",
    order=1100,
    figures=placement,
    view=view,
    missing="placement",
    terms=(("graph, engine", "A compiled part of the model, and the library that runs it."),),
)
