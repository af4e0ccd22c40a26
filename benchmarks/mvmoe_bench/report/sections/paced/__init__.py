"""The section on frames at a fixed rate: what an app with a camera sees."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.paced.beside import beside
from mvmoe_bench.report.sections.paced.figures import paced, timed
from mvmoe_bench.report.sections.paced.view import sentences, view

PART = SectionPart(
    name="paced",
    title="At the pace of a camera",
    order=640,
    figures=paced,
    view=view,
    missing="answers at a camera's pace",
    sentences=sentences,
    beside=beside,
    timed=timed,
    terms=(
        ("paced", "Frames come at a fixed rate, and between two of them the thread sleeps: clocks "
         "go down and cores rest, as in an app that shows a camera's picture."),
    ),
)  # fmt: skip
