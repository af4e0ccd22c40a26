"""The verdicts on several runs."""

from collections.abc import Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.section_part import Measured, View
from mvmoe_bench.report.sections.verdict.figures import RunVerdict
from mvmoe_bench.report.sections.verdict.view import verdict_cell


def beside(runs: Sequence[Measured[RunVerdict]]) -> View:
    """Every subject of every device in each mode."""
    rows = [(measured, run) for measured in runs for run in measured.figures.runs]
    table = columns.table(
        "Verdicts, by device",
        rows,
        columns.text("device", lambda measured, _: measured.run, brief=True),
        columns.text(
            "subject", lambda measured, run: measured.summary.names[run.subject], brief=True
        ),
        columns.text("mode", lambda _, run: run.mode, brief=True),
        columns.text("verdict", lambda _, run: verdict_cell(run), brief=True),
        columns.text("why", lambda _, run: run.why, "What keeps it from being valid.", brief=True),
    )
    return View((table,), "Whether there is enough to go by, by the same limits on every device.")
