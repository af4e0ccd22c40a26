"""The section on what the figures are worth: valid, semi-valid or not, and why."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.verdict.beside import beside
from mvmoe_bench.report.sections.verdict.figures import verdict
from mvmoe_bench.report.sections.verdict.view import sentences, view

PART = SectionPart(
    name="verdict",
    title="Verdict on this run",
    order=110,
    figures=verdict,
    view=view,
    missing="a verdict on the run",
    sentences=sentences,
    beside=beside,
    terms=(
        ("valid", "Enough answers for long enough, steady, begun warm on a cool device: figures to "
         "publish."),
        ("semi-valid", "Figures to go on with, and none to publish: something is short, or not "
         "known."),
        ("not valid", "Something is missing by far: measure again before anybody decides by it."),
    ),
)  # fmt: skip
