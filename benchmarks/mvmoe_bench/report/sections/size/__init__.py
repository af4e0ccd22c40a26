"""The section on sizes: what bundles weigh."""

from mvmoe_bench.report.section_part import ComparedKind, SectionPart
from mvmoe_bench.report.sections.size.figures import sizes, total_bytes
from mvmoe_bench.report.sections.size.view import tiles, view
from mvmoe_bench.report.verdicts import exact_rows

PART = SectionPart(
    name="size",
    title="Bundle size",
    order=800,
    figures=sizes,
    view=view,
    tiles=tiles,
    compared=(
        ComparedKind(
            id="size",
            title="Bundle size",
            lead="Bytes on disk: exact, so there is no interval.",
            rows=lambda one, two, judge: exact_rows(total_bytes(one), total_bytes(two)),
            compared="bundle",
        ),
    ),
    terms=(
        ("bundle, target", "What an export writes: for each target (kind of engine) graphs and "
         "weights, and one manifest that describes them."),
    ),
)  # fmt: skip
