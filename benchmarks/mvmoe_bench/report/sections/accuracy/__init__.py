"""The section on accuracy: how many images are answered rightly, beside PyTorch's models."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.accuracy.figures import accuracy
from mvmoe_bench.report.sections.accuracy.view import beside, recommendations, tiles, view

PART = SectionPart(
    name="accuracy",
    title="Right answers",
    order=60,
    figures=accuracy,
    view=view,
    missing="accuracy (images without labels)",
    recommendations=recommendations,
    tiles=tiles,
    beside=beside,
    terms=(
        ("right answers, top-1", "The share of labelled images whose best class is the true one."),
        ("points", "Hundredths of all images: 97% is one point less than 98%."),
    ),
)
