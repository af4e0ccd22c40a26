"""How long an image takes on several devices."""

from collections.abc import Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.formatting import engine, repeats_of
from mvmoe_bench.report.run_summary import SubjectFigure
from mvmoe_bench.report.section_part import Measured, View
from mvmoe_bench.report.sections.latency.figures import Latencies, Latency
from mvmoe_bench.report.sections.latency.plot import LatencyPlot, LatencyRow
from mvmoe_bench.report.subjects import distinct_colours, is_product

_Row = tuple[Measured[Latencies], SubjectFigure, Latency]


def beside(runs: Sequence[Measured[Latencies]]) -> View:
    """Every subject of every device, the fastest first."""
    rows = [
        (run, subject, run.figures[subject.key])
        for run in runs
        for subject in run.summary.subjects
        if subject.key in run.figures
    ]
    rows.sort(key=lambda row: row[2].wall_ms.value)
    return View(
        (_chart(rows), _table(rows)),
        "Warm answers, one image at a time. Devices were measured apart: their numbers stand side "
        "by side, are not pooled, and no ratio between them is paired.",
    )


def _chart(rows: Sequence[_Row]) -> Chart:
    """The distributions of all."""
    colours = distinct_colours(((run.run, s.key), s) for run, s, _ in rows)
    shown = [
        LatencyRow(run.name_of(s.key), latency, colours[run.run, s.key], is_product(s))
        for run, s, latency in rows
    ]
    return Chart(
        title="Time an image takes, by device",
        caption=(
            "Dot: median; bracket below it: 95% interval of the median; thick line: middle half of "
            "the answers; thin line: 5th to 95th percentile; hill: their distribution. "
            f"n: answers, from {repeats_of([row.latency.wall_ms.repeats for row in shown])}."
        ),
        plot=LatencyPlot(shown),
    )


def _table(rows: Sequence[_Row]) -> TableBlock:
    """Where each ran, and its numbers."""
    few = any(latency.wall_ms.few(95) for _, _, latency in rows)
    return columns.table(
        f"Latency in milliseconds, by device and subject{columns.FEW * few}",
        rows,
        columns.text("device", lambda run, *_: run.run, brief=True),
        columns.text("subject", lambda run, subject, _: run.summary.names[subject.key], brief=True),
        columns.text("engine", lambda _, subject, __: engine(subject.engine), brief=True),
        columns.estimate("p50", lambda *row: row[2].wall_ms, "The median.", brief=True),
        columns.percentile("p90", 90, lambda *row: row[2].wall_ms, brief=True),
        columns.percentile("p95", 95, lambda *row: row[2].wall_ms, brief=True),
        columns.count("threads", lambda _, subject, __: subject.threads),
        columns.count("n", lambda *row: row[2].wall_ms.n, "Answers.", brief=True),
    )
