"""What is left of the speed after minutes, on several devices."""

from collections.abc import Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.section_part import Measured, View
from mvmoe_bench.report.sections.sustained.figures import LongRun


def beside(runs: Sequence[Measured[tuple[LongRun, ...]]]) -> View:
    """The first quarter and the last of each long run."""
    rows = [(run, long) for run in runs for long in run.figures]
    table = columns.table(
        "The first quarter and the last, by device",
        rows,
        columns.text("device", lambda run, _: run.run, brief=True),
        columns.text("subject", lambda run, long: run.summary.names[long.subject], brief=True),
        columns.number("minutes", lambda _, long: long.seconds / 60, brief=True),
        columns.number("first ms", lambda _, long: long.first_ms, brief=True),
        columns.number("last ms", lambda _, long: long.last_ms, brief=True),
        columns.number("last over first", lambda _, long: long.slowdown, brief=True),
        columns.text("warmest", lambda _, long: long.warmest, "The worst thermal status, or the "
                     "warmest that the processor was.", brief=True),
        columns.count("n", lambda _, long: long.answers, "Answers."),
    )  # fmt: skip
    return View((table,), "Each subject answered without a pause in one process of its own.")
