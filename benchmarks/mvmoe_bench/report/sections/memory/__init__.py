"""The section on memory: what processes hold, by subject and budget of experts."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.memory.beside import beside
from mvmoe_bench.report.sections.memory.compared import KIND
from mvmoe_bench.report.sections.memory.figures import memory
from mvmoe_bench.report.sections.memory.view import sentences, tiles, view

PART = SectionPart(
    name="memory",
    title="Memory",
    order=500,
    figures=memory,
    view=view,
    sentences=sentences,
    tiles=tiles,
    beside=beside,
    compared=(KIND,),
    terms=(
        ("anonymous", "Memory that is of no file: heap, stacks, copies of weights."),
        ("its files", "Mapped pages of the subject's own files, each counted once, whoever else "
         "maps them."),
        ("RSS", "The resident set: all pages in memory, those of shared libraries included."),
    ),
)  # fmt: skip
