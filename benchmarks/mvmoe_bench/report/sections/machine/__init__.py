"""The section on the machine: its own speed during the run, and how well subjects use it."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.machine.figures import machine
from mvmoe_bench.report.sections.machine.view import view, warnings

PART = SectionPart(
    name="machine",
    title="The machine during the run",
    order=1200,
    figures=machine,
    view=view,
    missing="the machine's speed",
    warnings=warnings,
    terms=(
        ("GFLOP/s", "A thousand million operations a second; a multiply-accumulate is two."),
        ("reference product", "One matrix product of fixed size that says how fast the machine was "
         "during the run."),
    ),
)  # fmt: skip
