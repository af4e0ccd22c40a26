"""Where images are finished: how many at each stage, and what they cost."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.finishing.figures import LastStage

Found = dict[str, tuple[LastStage, ...]]


def view(summary: Summary, found: Found) -> View:
    """A table of subjects and stages."""
    rows = [(key, row) for key, stages in found.items() for row in stages]
    few = any(row.total_ms.few(95) for _, row in rows)
    return View(
        (
            columns.table(
                f"Answers by the stage that ran last{columns.FEW * few}",
                rows,
                columns.text("subject", lambda key, _: summary.names[key]),
                columns.text("last stage", lambda _, row: stage_name(row.stage)),
                columns.share("share", lambda _, row: row.share,
                              "Share of the answers that count for latency."),
                columns.estimate("p50 ms", lambda _, row: row.total_ms,
                                 "Median of the whole answer."),
                columns.percentile("p90 ms", 90, lambda _, row: row.total_ms),
                columns.percentile("p95 ms", 95, lambda _, row: row.total_ms),
                columns.count("n", lambda _, row: row.total_ms.n),
            ),
        ),
        "Some images have their answer before the last stage, and run nothing more. On average an "
        "image costs what the shares of its own images make of these rows.",
    )  # fmt: skip


def stage_name(stage: int) -> str:
    """`stem`, or `routed stage 2`."""
    return f"routed stage {stage}" if stage else "stem"


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """How many images end first, and what they take beside those that run all stages."""
    stages = found.get(summary.main or "")
    if stages is None:
        return
    first, last = stages[0], stages[-1]
    yield Point(
        topic="Speed",
        text=f"{percent(first.share)} of the images are finished at the {stage_name(first.stage)} "
        f"({printed(first.total_ms).value} ms); those that go on to {stage_name(last.stage)} take "
        f"{printed(last.total_ms).value} ms.",
    )
