"""Where an answer's time goes."""

from mvmoe_bench.report.blocks import (
    Chart,
    Column,
    Section,
    Table,
    figures,
    number,
    rows,
    text,
    words,
)
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.plots.stacks import Stack, StackPlot
from mvmoe_bench.report.printed import percents, printed
from mvmoe_bench.report.sections.parts.figures import PART_NAMES, Part, Parts
from mvmoe_bench.report.summary import SubjectFigure, Summary

KINDS = (("stem", "c1"), ("select", "c2"), ("load", "c4"), ("expert", "c3"), ("rest", "c6"))


def parts(summary: Summary) -> Section | None:
    """Stacked bars of every subject that says its parts."""
    found = having(summary)
    if not found:
        return None
    return Section(
        "parts",
        "Where the time goes",
        (chart(summary), _table(summary, found)),
        _lead(found[0][1], subject_names(summary)[found[0][0].key] if len(found) > 1 else ""),
    )


def _lead(first: Parts, name: str) -> str:
    """What the router takes, where there is one; `name` says whose, where there are several."""
    rest = "Rest is what is left: copying the image in and the answer out."
    if not first.router_share.value:
        return rest
    share = percents(first.router_share)
    return (
        f"Selecting the route takes {share.value} of an answer{f' of {name}' * bool(name)} "
        f"({share.sure}, n = {first.n:,}); "
        f"the router's own matrix product is a part of the stem. {rest}"
    )


def having(summary: Summary) -> list[tuple[SubjectFigure, Parts]]:
    """Subjects with parts."""
    return [(subject, subject.parts) for subject in summary.subjects if subject.parts is not None]


def chart(summary: Summary) -> Chart:
    """One bar for each subject with parts."""
    names = subject_names(summary)
    found = having(summary)
    stacks = tuple(
        Stack(
            names[subject.key],
            tuple(part.ms.value for part in its.parts),
            f"{printed(its.total_ms).value} ms",
            _note(its),
        )
        for subject, its in found
    )
    spoken = "; ".join(f"{names[s.key]}: {_spoken(its)}" for s, its in found)
    return Chart(
        "Parts of an answer",
        "Bars: median of each part, from one more call right after each timed one; number: their "
        "sum with its 95% interval, which need not be the median of the whole; n: answers. Load "
        "is finding the expert's graph in memory, or bringing it there.",
        StackPlot(KINDS, stacks, "milliseconds an image"),
        f"Parts of an answer. {spoken}",
    )


def _spoken(parts: Parts) -> str:
    """A bar in words."""
    return ", ".join(f"{part.name} {percents(part.share).value}" for part in parts.parts)


def _table(summary: Summary, found: list[tuple[SubjectFigure, Parts]]) -> Table:
    """Medians and shares, then those of each routed stage."""
    names = subject_names(summary)
    several = any(its.by_stage for _, its in found)
    columns = (
        *words("subject", "part", *(["stage"] if several else [])),
        Column("median ms"),
        Column("95% interval", number=False),
        Column("share", help="Of the sum of all parts' medians."),
        Column("95% interval", number=False),
        Column("n", help="Answers."),
        Column("repeats"),
    )
    cells = [
        [
            text(names[subject.key]),
            text(part.name),
            *([text(_stage(part, its))] if several else []),
            *figures(part.ms),
            *figures(part.share, 100, "%"),
            number(its.n, f"{its.n:,}"),
            number(part.ms.groups, str(part.ms.groups)),
        ]
        for subject, its in found
        for part in (*its.parts, *its.by_stage)
    ]
    return Table("Parts of an answer", columns, rows(cells), folded=len(cells) > len(PART_NAMES))


def _note(its: Parts) -> str:
    """Interval of the sum, and n."""
    return f"{printed(its.total_ms).marked}, n = {its.n:,}"


def _stage(part: Part, parts: Parts) -> str:
    """The routed stage of a part, where there are several."""
    if part.stage is not None:
        return str(part.stage + 1)
    return "all" if parts.by_stage and part.name not in ("stem", "rest") else "-"
