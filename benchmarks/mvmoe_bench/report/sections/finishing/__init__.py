"""The section on models that finish some images early: what those cost that end at each stage."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.finishing.figures import finishing
from mvmoe_bench.report.sections.finishing.view import sentences, view

PART = SectionPart(
    name="finishing",
    title="Where images are finished",
    order=410,
    figures=finishing,
    view=view,
    sentences=sentences,
    missing="images that are finished before the last stage",
    terms=(
        ("finished", "An image has its outputs and runs no further stage: a cascade or an early "
         "exit."),
    ),
)  # fmt: skip
