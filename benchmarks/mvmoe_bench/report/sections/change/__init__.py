"""The section on changes of expert: what an answer by another route takes more."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.change.figures import changes
from mvmoe_bench.report.sections.change.view import sentences, view

PART = SectionPart(
    name="change",
    title="A change of expert",
    order=590,
    figures=changes,
    view=view,
    missing="change of expert",
    sentences=sentences,
    terms=(
        ("change of expert", "What an answer takes more whose route is another one than that of "
         "the answer before; both are to the same image, and imposed."),
    ),
)  # fmt: skip
