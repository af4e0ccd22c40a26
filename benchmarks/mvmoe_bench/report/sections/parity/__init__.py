"""The section on parity: whether a bundle answers as PyTorch does."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.parity.figures import parity
from mvmoe_bench.report.sections.parity.view import sentences, view

PART = SectionPart(
    name="parity",
    title="The same answers as PyTorch",
    order=1000,
    figures=parity,
    view=view,
    missing="parity",
    sentences=sentences,
    terms=(("near-tie", "An image whose two best routes lie so close that rounding may decide."),),
)
