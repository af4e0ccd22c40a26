"""What processes hold in memory on several devices."""

from collections.abc import Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.formatting import room_for
from mvmoe_bench.report.section_part import Measured, View
from mvmoe_bench.report.sections.memory.figures import MemoryFigure

_MB = 1e-6


def beside(runs: Sequence[Measured[tuple[MemoryFigure, ...]]]) -> View:
    """What each model adds to its process."""
    rows = [(run, held) for run in runs for held in run.figures]
    table = columns.table(
        "Memory in MB, by device, subject and budget",
        rows,
        columns.text("device", lambda run, _: run.run, brief=True),
        columns.text("subject", lambda run, held: run.summary.names[held.subject], brief=True),
        columns.text("experts in memory", lambda _, held: room_for(held.budget), brief=True),
        columns.text("measured as", lambda _, held: held.memory_of, brief=True),
        columns.estimate("added", lambda _, held: held.added.total, "Loaded less what the process "
                         "held before.", brief=True, scale=_MB),
        columns.count("n", lambda _, held: held.n, "Processes."),
    )  # fmt: skip
    lead = (
        "Systems count memory in different ways (the column says which): between devices these "
        "numbers are of one size, not of one kind."
    )
    return View((table,), lead)
