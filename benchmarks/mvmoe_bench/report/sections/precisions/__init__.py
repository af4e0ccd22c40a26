"""The section on precisions: what each weighs, takes and loses, where a bundle has several."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.precisions.figures import precisions
from mvmoe_bench.report.sections.precisions.view import (
    picture,
    recommendations,
    sentences,
    view,
    warnings,
)

PART = SectionPart(
    name="precisions",
    title="Bytes, time and accuracy by precision",
    order=210,
    figures=precisions,
    view=view,
    recommendations=recommendations,
    sentences=sentences,
    warnings=warnings,
    picture=picture,
    terms=(
        ("precision", "The numbers that graphs store their weights and compute in: a recipe, such "
         "as int8."),
        ("points", "Hundredths of all images: 86.7% of right answers instead of 87.2% are a loss "
         "of 0.5 points."),
    ),
)  # fmt: skip
