"""Where an answer's time goes."""

from collections.abc import Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import percents, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Measured, Point, View
from mvmoe_bench.report.sections.parts.figures import BEFORE, ONCE, PART_NAMES, Parts, PartTime

_COLOURS = {
    "decode": "c5", "resize": "c7", "stem": "c1", "select": "c2", "load": "c4", "expert": "c3",
    "rest": "c6",
}  # fmt: skip


def view(summary: Summary, found: dict[str, Parts]) -> View:
    """Stacked bars of every subject that says its parts, and a table."""
    return View((_chart(summary, found), _table(summary, found)), _lead(summary, found))


def picture(summary: Summary, found: dict[str, Parts]) -> Iterator[Chart]:
    """The bars."""
    yield _chart(summary, found)


def beside(runs: Sequence[Measured[dict[str, Parts]]]) -> View:
    """The parts of every device's subjects."""
    rows = [
        (run, key, part)
        for run in runs
        for key, parts in run.figures.items()
        for part in parts.parts
    ]
    table = columns.table(
        "Parts of an answer, by device",
        rows,
        columns.text("device", lambda run, *_: run.run, brief=True),
        columns.text("subject", lambda run, key, _: run.summary.names[key], brief=True),
        columns.text("part", lambda *row: row[-1].name, brief=True),
        columns.estimate("median ms", lambda *row: row[-1].ms, brief=True),
        columns.estimate("share", lambda *row: row[-1].share, brief=True, scale=100, suffix="%",
                         interval=False),
        folded=3 * len(PART_NAMES),
    )  # fmt: skip
    return View((table,), "Medians; shares are of the sum of all parts of the same subject.")


def _lead(summary: Summary, found: dict[str, Parts]) -> str:
    """How much of an answer the router's host part takes, of the first subject."""
    rest = "Rest is what is left: copying the image in and the answer out."
    key, first = next(iter(found.items()))
    if first.before_ms is None:
        rest += " Decoding and resizing the image come before, and were not measured in this run."
    if not first.router_share.value:
        return rest
    share = percents(first.router_share)
    of = f" of {summary.names[key]}" if len(found) > 1 else ""
    return (
        f"Selecting the route takes {share.value} of an answer{of} "
        f"({share.interval}, n = {first.n:,}); "
        f"the router's own matrix product is a part of the stem. {rest}"
    )


def _chart(summary: Summary, found: dict[str, Parts]) -> Chart:
    """One bar for each subject with parts."""
    shown = [name for name in PART_NAMES if any(_part(each, name) for each in found.values())]
    stacks = tuple(
        Stack(
            summary.names[key],
            tuple(part.ms.value if (part := _part(parts, name)) else 0.0 for name in shown),
            f"{printed(parts.total_ms).value} ms",
            f"{printed(parts.total_ms).marked}, n = {parts.n:,}",
        )
        for key, parts in found.items()
    )
    return Chart(
        "Parts of an answer",
        "Bars: median of each part, from one more call right after each timed one; number: their "
        "sum with its 95% interval, which need not be the median of the whole; n: answers. Load "
        "is finding the expert's graph in memory, or bringing it there. Decode and resize, where "
        "they are shown, were measured apart: reading an image's file, and making the input of it.",
        StackPlot(tuple((name, _COLOURS[name]) for name in shown), stacks, "milliseconds an image"),
    )


def _part(parts: Parts, name: str) -> PartTime | None:
    """One part of a subject's answers; None if it was not measured."""
    return next((part for part in parts.parts if part.name == name), None)


def _table(summary: Summary, found: dict[str, Parts]) -> TableBlock:
    """Medians and shares, then those of each routed stage."""
    stage = columns.text("stage", lambda _, part, row: _stage(part, row), brief=True)
    several = any(parts.by_stage for parts in found.values())
    return columns.table(
        "Parts of an answer",
        ((key, part, of) for key, of in found.items() for part in (*of.parts, *of.by_stage)),
        columns.text("subject", lambda key, *_: summary.names[key], brief=True),
        columns.text("part", lambda _, part, __: part.name, brief=True),
        *([stage] if several else []),
        columns.estimate("median ms", lambda _, part, __: part.ms, brief=True,
                         interval_brief=False),
        columns.estimate("share", lambda _, part, __: part.share,
                         "Of the sum of all parts' medians.", brief=True, scale=100, suffix="%"),
        columns.count("n", lambda _, part, row: _count(part, row), "Answers, or pictures."),
        columns.count("repeats", lambda _, part, __: part.ms.repeats),
        folded=len(PART_NAMES),
    )  # fmt: skip


def _count(part: PartTime, parts: Parts) -> int:
    """What a part's median is over: answers, or pictures that were decoded."""
    return parts.pictures if part.name in BEFORE else parts.n


def recommendations(summary: Summary, found: dict[str, Parts]) -> Iterator[Point]:
    """The largest part of the main subject's answers, and what the image costs before them."""
    parts = found.get(summary.main or "")
    if parts is None:
        return
    largest = max(parts.parts, key=lambda part: part.ms.value)
    share = percents(largest.share)
    text = f"{_WORDS[largest.name]} takes most of it, {share.value} ({share.interval})"
    if parts.before_ms is not None and largest.name not in BEFORE:
        text += f"; decoding and resizing the image take {printed(parts.before_ms).value} ms"
    elif parts.before_ms is not None:
        whole, before = printed(parts.total_ms), printed(parts.before_ms)
        text += f"; with resizing it is {before.value} of {whole.value} ms"
    yield Point(topic="Where does the time go?", text=f"{text}.")


_WORDS = {
    "decode": "Reading and decoding the image",
    "resize": "Resizing the image",
    "stem": "What every image runs (the stem)",
    "select": "Picking the route",
    "load": "Having the expert in memory",
    "expert": "The expert",
    "rest": "Copying in and out",
}


def _stage(part: PartTime, parts: Parts) -> str:
    """The routed stage of a part, where there are several."""
    if part.stage is not None:
        return str(part.stage + 1)
    return "all" if parts.by_stage and part.name not in ONCE else "-"
