"""Answers to frames at a fixed rate on several devices."""

from collections.abc import Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.section_part import Measured, View
from mvmoe_bench.report.sections.paced.figures import Paced


def beside(runs: Sequence[Measured[dict[str, Paced]]]) -> View:
    """Every subject of every device."""
    rows = [(run, key, its) for run in runs for key, its in run.figures.items()]
    few = any(its.answer_ms.few(95) for *_, its in rows)
    table = columns.table(
        f"Milliseconds of an answer at a camera's pace, by device{columns.FEW * few}",
        rows,
        columns.text("device", lambda run, *_: run.run, brief=True),
        columns.text("subject", lambda run, key, _: run.summary.names[key], brief=True),
        columns.text("frames a second", lambda *row: f"{row[2].rate:g}", brief=True),
        columns.estimate("p50", lambda *row: row[2].answer_ms, "The median.", brief=True),
        columns.percentile("p90", 90, lambda *row: row[2].answer_ms, brief=True),
        columns.percentile("p95", 95, lambda *row: row[2].answer_ms, brief=True),
        columns.share("missed", lambda *row: row[2].missed, brief=True),
        columns.count("n", lambda *row: row[2].answer_ms.n, "Answers.", brief=True),
    )
    return View((table,), "Each answered its frames when they came, and slept between.")
