"""The section on ratios: what routing costs and saves, subject over subject."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.ratios.figures import ratios
from mvmoe_bench.report.sections.ratios.view import (
    picture,
    recommendations,
    sentences,
    tiles,
    view,
)

PART = SectionPart(
    name="ratios",
    title="What routing costs and saves",
    order=200,
    figures=ratios,
    view=view,
    missing="ratios",
    recommendations=recommendations,
    sentences=sentences,
    tiles=tiles,
    picture=picture,
    terms=(
        ("round", "One image answered by every subject in turn; ratios are taken within rounds."),
    ),
)
