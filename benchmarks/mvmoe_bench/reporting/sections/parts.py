"""Where an answer's time goes."""

from mvmoe_bench.figures.parts import PART_NAMES, Part, Parts
from mvmoe_bench.figures.summary import SubjectFigure, Summary
from mvmoe_bench.figures.words import percent, significant
from mvmoe_bench.reporting.blocks import Chart, Section, Table, number, numbers, rows, text, words
from mvmoe_bench.reporting.names import subject_names
from mvmoe_bench.reporting.plots.stacks import Stack, StackPlot

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
        _lead(found[0][1]),
    )


def _lead(first: Parts) -> str:
    """What the router takes, where there is one."""
    rest = "Rest is copying the image in and the answer out."
    if not first.router_share:
        return rest
    return (
        f"Selecting the route on the host takes {percent(first.router_share)} of an answer; the "
        f"router's own matrix product is a part of the stem. {rest}"
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
            tuple(part.median_ms for part in its.parts),
            f"{significant(its.total_ms)} ms",
            f"n = {its.n:,}",
        )
        for subject, its in found
    )
    spoken = "; ".join(f"{names[s.key]}: {_spoken(its)}" for s, its in found)
    return Chart(
        "Parts of an answer",
        "Medians of each part, from one more call right after each timed one; n: answers. Load is "
        "finding the expert's graph in memory, or bringing it there.",
        StackPlot(KINDS, stacks, "milliseconds an image"),
        f"Parts of an answer. {spoken}",
    )


def _spoken(parts: Parts) -> str:
    """A bar in words."""
    return ", ".join(f"{part.name} {percent(part.share)}" for part in parts.parts)


def _table(summary: Summary, found: list[tuple[SubjectFigure, Parts]]) -> Table:
    """Medians and shares, then those of each routed stage."""
    names = subject_names(summary)
    columns = (*words("subject", "part", "stage"), *numbers("median ms", "share", "n"))
    cells = [
        [
            text(names[subject.key]),
            text(part.name),
            text(_stage(part, its)),
            number(part.median_ms),
            number(part.share, f"{part.share:.1%}"),
            number(its.n, f"{its.n:,}"),
        ]
        for subject, its in found
        for part in (*its.parts, *its.by_stage)
    ]
    return Table("Parts of an answer", columns, rows(cells), folded=len(cells) > len(PART_NAMES))


def _stage(part: Part, parts: Parts) -> str:
    """The routed stage of a part, where there are several."""
    if part.stage is not None:
        return str(part.stage + 1)
    return "all" if parts.by_stage and part.name not in ("stem", "rest") else "-"
