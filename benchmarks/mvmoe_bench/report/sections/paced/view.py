"""Answers to frames at a fixed rate: a table, a ratio to warm answers, and a sentence."""

from collections.abc import Iterator, Mapping

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.formatting import percent, repeats_of
from mvmoe_bench.report.plots.intervals import IntervalPlot, IntervalRow
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.paced.figures import Paced
from mvmoe_bench.report.statistics import conclusive
from mvmoe_bench.report.subjects import look_of

Found = Mapping[str, Paced]


def view(summary: Summary, found: Found) -> View:
    """The ratios to warm answers, and all numbers."""
    rate = next(iter(found.values())).rate
    return View(
        (*_charts(summary, found), _table(summary, found)),
        f"{rate:g} frames a second, each answered when it comes; until the next one the "
        "thread sleeps, so that the system may lower clocks and rest cores. Each dispatcher has a "
        "process of its own in each repeat.",
    )


def _charts(summary: Summary, found: Found) -> Iterator[Chart]:
    """How much longer an answer takes than a warm one, where both were measured."""
    looks = {subject.key: look_of(subject.name) for subject in summary.subjects}
    rows = [
        IntervalRow(summary.names[key], each.over_warm, looks[key].colour)
        for key, each in found.items()
        if each.over_warm is not None
    ]
    if rows:
        yield Chart(
            "Paced over warm answers",
            "Dot: median of the answers to frames over that of answers right after each other; "
            f"line: 95% interval, over {repeats_of([row.ratio.repeats for row in rows])} of each, "
            "which are of different processes; n: answers of the smaller side.",
            IntervalPlot(rows, "times as long", "paced is faster", "paced is slower"),
        )


def _table(summary: Summary, found: Found) -> TableBlock:
    """All numbers."""
    few = any(each.answer_ms.few(99) for each in found.values())
    return columns.table(
        f"Milliseconds of an answer at a camera's pace{columns.FEW * few}",
        found.items(),
        columns.text("subject", lambda key, _: summary.names[key], brief=True),
        columns.text("frames a second", lambda _, row: f"{row.rate:g}", brief=True),
        columns.estimate("p50", lambda _, row: row.answer_ms, "The median.", brief=True),
        columns.percentile("p90", 90, lambda _, row: row.answer_ms, brief=True),
        columns.percentile("p95", 95, lambda _, row: row.answer_ms, brief=True),
        columns.percentile("p99", 99, lambda _, row: row.answer_ms, brief=True),
        columns.estimate("over warm", lambda _, row: row.over_warm, "The median over that of warm "
                         "answers of this run.", brief=True, interval_brief=False),
        columns.percentile("seen p90", 90, lambda _, row: row.seen_ms, help="From when a frame "
                           "came to its answer: with waking up, or the answer before."),
        columns.share("missed", lambda _, row: row.missed, "Frames that came while an answer was "
                      "at work, and that a newer one has replaced.", brief=True),
        columns.count("n", lambda _, row: row.answer_ms.n, "Answers.", brief=True),
        columns.count("repeats", lambda _, row: row.answer_ms.repeats, "Processes."),
    )  # fmt: skip


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What a camera's app sees of the main subject."""
    its = found.get(summary.main or "")
    if its is None:
        return
    shown = printed(its.answer_ms)
    missed = f"; {percent(its.missed)} of the frames had no answer" if its.missed else ""
    yield Point(
        topic="Speed",
        text=f"At {its.rate:g} frames a second an answer takes {shown.value} ms at the median "
        f"({shown.interval}){_than_warm(its)}{missed}.",
    )


def _than_warm(its: Paced) -> str:
    """How that compares with warm answers, if it is known."""
    ratio = its.over_warm
    if ratio is None:
        return ""
    shown = printed(ratio)
    if conclusive(ratio) and ratio.low is not None and ratio.high is not None:
        apart = ratio.low > 1 or ratio.high < 1
        if not apart:
            return ", not told apart from warm answers"
    return f", {shown.value} times what a warm one takes ({shown.interval})"
