"""Long runs: a timeline for each, a table, and a sentence on the main subject."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.printed import alone
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.sustained.figures import LongRun
from mvmoe_bench.report.sections.sustained.plot import TimelinePlot

Found = tuple[LongRun, ...]

_THROTTLED = "moderate"
"""The status from which Android takes speed away."""


def view(summary: Summary, found: Found) -> View:
    """A timeline for each run, and all of them in a table."""
    return View(
        (*(_chart(summary, found, run) for run in found), _table(summary, found)),
        "Images one after the other without a pause, as fast as they are answered. "
        "Each subject runs once, in a process of its own, after everything else was measured; "
        "one run has no interval, so what it says is told without one.",
    )


def picture(summary: Summary, found: Found) -> Iterator[Chart]:
    """The timeline of the main subject."""
    for run in found:
        if run.subject == summary.main:
            yield _chart(summary, found, run)
            return


def _chart(summary: Summary, found: Found, run: LongRun) -> Chart:
    """One timeline."""
    named = f", {summary.names[run.subject]}" if len(found) > 1 else ""
    heat = "; below, how warm the device says that it is" if run.warmest else ""
    return Chart(
        f"{alone(run.seconds / 60)} minutes without a pause{named}",
        f"Line: the median of every five seconds; dots: the slowest answer in them{heat}; "
        f"dashed: the medians of the first quarter of the time, {alone(run.first_ms)} ms, and of "
        f"the last, {alone(run.last_ms)} ms; n = {run.answers:,} answers in one process.",
        TimelinePlot(run),
    )


def _table(summary: Summary, found: Found) -> TableBlock:
    """The first and the last quarter of each run."""
    return columns.table(
        "The first quarter of the time and the last",
        ((run,) for run in found),
        columns.text("subject", lambda run: summary.names[run.subject], brief=True),
        columns.number("minutes", lambda run: run.seconds / 60, brief=True),
        columns.number("first ms", lambda run: run.first_ms, "The median of the first quarter of "
                       "the time.", brief=True),
        columns.number("last ms", lambda run: run.last_ms, "The same of the last quarter.",
                       brief=True),
        columns.number("last over first", lambda run: run.slowdown, brief=True),
        columns.number("slowest ms", lambda run: run.slowest_ms, "Of all answers."),
        columns.text("warmest", lambda run: run.warmest, "The worst thermal status, or the "
                     "warmest that the processor was.", brief=True),
        columns.number("minutes until throttled", _minutes_until_throttled, "Until the thermal "
                       f"status was {_THROTTLED}, or worse."),
        columns.number("PSS MB", lambda run: run.most_pss and run.most_pss * 1e-6, "The most that "
                       "the process held; pages that it shares count in part."),
        columns.count("n", lambda run: run.answers, "Answers."),
    )  # fmt: skip


def _minutes_until_throttled(run: LongRun) -> float | None:
    """Minutes; None if it never was."""
    seconds = run.reached(_THROTTLED)
    return None if seconds is None else seconds / 60


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What a long run does to the main subject."""
    for run in found:
        if run.subject != summary.main:
            continue
        change = run.slowdown - 1
        than = f"{percent(abs(change))} {'slower' if change > 0 else 'faster'} than"
        same = percent(abs(change)) == percent(0)
        told = f"thermal status up to {run.hottest}" if run.hottest else run.warmest
        warm = f" ({told})" if told else ""
        yield Point(
            topic="Speed",
            text=f"In the last quarter of {alone(run.seconds / 60)} minutes without a pause an "
            f"answer took {alone(run.last_ms)} ms, {'as long as' if same else than} in the first"
            f"{warm}; one run, so there is no interval.",
        )
        return
