"""The section on starts: opening to first answer in fresh processes, and loads of graphs."""

from functools import partial

from mvmoe_bench.report.section_part import ComparedKind, SectionPart
from mvmoe_bench.report.sections.starts.figures import all_starts, ready_times
from mvmoe_bench.report.sections.starts.view import (
    beside,
    recommendations,
    sentences,
    tiles,
    view,
)
from mvmoe_bench.report.verdicts import time_rows

PART = SectionPart(
    name="starts",
    title="Start",
    order=700,
    figures=all_starts,
    view=view,
    missing="starts",
    recommendations=recommendations,
    sentences=sentences,
    tiles=tiles,
    beside=beside,
    compared=(
        ComparedKind(
            id="start",
            title="Start",
            lead="Opening to first answer in a fresh process; Python's own start and imports are "
            "left out.",
            rows=partial(time_rows, ready_times),
        ),
    ),
)
