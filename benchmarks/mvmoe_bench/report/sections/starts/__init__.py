"""The section on starts: opening to first answer in fresh processes, and loads of graphs."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.starts.compared import KIND
from mvmoe_bench.report.sections.starts.figures import all_starts
from mvmoe_bench.report.sections.starts.view import sentences, tiles, view

PART = SectionPart(
    name="starts",
    title="Start",
    order=700,
    figures=all_starts,
    view=view,
    missing="starts",
    sentences=sentences,
    tiles=tiles,
    compared=(KIND,),
)
