"""Where an answer's time goes."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import percents, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import View
from mvmoe_bench.report.sections.parts.figures import PART_NAMES, Parts, PartTime

_COLOURS = {"stem": "c1", "select": "c2", "load": "c4", "expert": "c3", "rest": "c6"}


def view(summary: Summary, found: dict[str, Parts]) -> View:
    """Stacked bars of every subject that says its parts, and a table."""
    return View((_chart(summary, found), _table(summary, found)), _lead(summary, found))


def picture(summary: Summary, found: dict[str, Parts]) -> Iterator[Chart]:
    """The bars."""
    yield _chart(summary, found)


def _lead(summary: Summary, found: dict[str, Parts]) -> str:
    """How much of an answer the router's host part takes, of the first subject."""
    rest = "Rest is what is left: copying the image in and the answer out."
    key, first = next(iter(found.items()))
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
    stacks = tuple(
        Stack(
            summary.names[key],
            tuple(part.ms.value for part in parts.parts),
            f"{printed(parts.total_ms).value} ms",
            f"{printed(parts.total_ms).marked}, n = {parts.n:,}",
        )
        for key, parts in found.items()
    )
    return Chart(
        "Parts of an answer",
        "Bars: median of each part, from one more call right after each timed one; number: their "
        "sum with its 95% interval, which need not be the median of the whole; n: answers. Load "
        "is finding the expert's graph in memory, or bringing it there.",
        StackPlot(tuple(_COLOURS.items()), stacks, "milliseconds an image"),
    )


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
        columns.count("n", lambda _, __, row: row.n, "Answers."),
        columns.count("repeats", lambda _, part, __: part.ms.repeats),
        folded=len(PART_NAMES),
    )  # fmt: skip


def _stage(part: PartTime, parts: Parts) -> str:
    """The routed stage of a part, where there are several."""
    if part.stage is not None:
        return str(part.stage + 1)
    return "all" if parts.by_stage and part.name not in ("stem", "rest") else "-"
