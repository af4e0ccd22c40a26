"""The section on sizes: what bundles weigh."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.size.compared import KIND
from mvmoe_bench.report.sections.size.figures import sizes
from mvmoe_bench.report.sections.size.view import tiles, view

PART = SectionPart(
    name="size",
    title="Bundle size",
    order=800,
    figures=sizes,
    view=view,
    tiles=tiles,
    compared=(KIND,),
    terms=(
        ("bundle, target", "What an export writes: for each target (kind of engine) graphs and "
         "weights, and one manifest that describes them."),
    ),
)  # fmt: skip
