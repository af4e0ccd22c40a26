"""What each route costs, and what an image costs under the routes' shares."""

from mvmoe_bench.report import words as say
from mvmoe_bench.report.blocks import (
    FEW,
    Block,
    Cell,
    Chart,
    Column,
    Section,
    Table,
    Text,
    figures,
    number,
    percentile,
    rows,
    text,
    words,
)
from mvmoe_bench.report.names import subject_names
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.routes.figures import Expected, RouteRow, Routes, Under, Worst
from mvmoe_bench.report.sections.routes.plot import MOST, RoutesPlot
from mvmoe_bench.report.statistics import sure
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import percent

MOST_STAGES = 4
"""Routed stages that are drawn for each subject."""


def routes(summary: Summary) -> Section | None:
    """For each dispatcher and stage a plot; expected latencies, worst routes, all routes."""
    if not summary.routes:
        return None
    blocks: list[Block] = []
    for found in summary.routes:
        blocks += [chart(summary, found, stage) for stage in range(min(found.stages, MOST_STAGES))]
        if found.stages > MOST_STAGES:
            blocks.append(Text((f"Stages from {MOST_STAGES + 1} on are in the table only.",)))
    return Section(
        "routes",
        "Routes",
        (*blocks, _expected(summary), Text(_worst(summary), listed=True), _table(summary)),
        "A route is the set of experts that one image uses; experts are numbered from 0. The "
        "expected latency weighs each route's median with the share of images that take it.",
    )


def chart(summary: Summary, found: Routes, stage: int) -> Chart:
    """The routes of one stage, the most used first."""
    its = [(row, _share(row)) for row in found.rows if row.stage == stage]
    whole = found.stages == 1
    drawn = its[:MOST]
    left = len(its) - len(drawn)
    expected = next((e for e in found.expected if e.under == _under(drawn[0][0])), None)
    names = subject_names(summary)
    of = f": {names[found.subject]}" if len(summary.routes) > 1 else ""
    where = f", stage {stage + 1}" if found.stages > 1 else ""
    rest = sum(share for _, share in its[MOST:])
    beyond = f" {left} rarer routes ({percent(rest)} of images): see the table." * bool(left)
    what = "its own graph; grey: all else" if whole else "the expert; grey: select and load"
    return Chart(
        f"Time by route; thick bars are used more{of}{where}",
        f"Length: median; green: {what}; bracket: 95% interval of the median; thickness: share "
        f"of images under the {_SHOWN[_under(drawn[0][0])]}; n: answers, forced ones too.{beyond}",
        RoutesPlot(tuple(drawn), left, whole, expected),
        "Routes: " + "; ".join(_spoken(row, share, whole) for row, share in drawn),
    )


def _share(row: RouteRow) -> float:
    """The share that a route is drawn with: what was asked for, else the prior, else observed."""
    return next(share for share in (row.given, row.prior, row.observed) if share is not None)


def _under(row: RouteRow) -> Under:
    """Which share that is."""
    if row.given is not None:
        return "given distribution"
    return "usage prior" if row.prior is not None else "observed usage"


_SHOWN: dict[Under, str] = {
    "given distribution": "given distribution",
    "usage prior": "usage prior of the manifest",
    "observed usage": "observed usage",
}


def _spoken(row: RouteRow, share: float, whole: bool) -> str:
    """A bar in words."""
    its = printed(row.total_ms if whole else row.step_ms)
    return f"route {say.route(row.route)} {its.value} ms, {percent(share)} of images"


def _expected(summary: Summary) -> Table:
    """Expected latency under every distribution."""
    names = subject_names(summary)
    columns = (
        *words("subject", "under"),
        Column("expected ms"),
        Column("95% interval", number=False),
        Column("measured share", help="Share of the distribution whose routes were measured."),
        Column("n"),
        Column("repeats"),
    )
    cells = [
        [
            text(names[found.subject]),
            text(expected.under),
            *figures(expected.ms),
            _coverage(expected),
            number(expected.ms.n, f"{expected.ms.n:,}"),
            number(expected.ms.groups, str(expected.ms.groups)),
        ]
        for found in summary.routes
        for expected in found.expected
    ]
    return Table("Expected latency of an image", columns, rows(cells))


def _coverage(expected: Expected) -> Cell:
    """The share of a distribution that was measured, of its least covered stage."""
    least = min(expected.coverage)
    return number(least, percent(least), "" if least > 0.95 else "bad")


def _worst(summary: Summary) -> tuple[str, ...]:
    """A sentence for each stage on its slowest route."""
    names = subject_names(summary)
    return tuple(
        _worst_sentence(worst, names[found.subject], found.stages)
        for found in summary.routes
        for worst in found.worst
    )


def _worst_sentence(worst: Worst, name: str, stages: int) -> str:
    """The slowest route, and whether it is told apart."""
    stage = f" of stage {worst.stage + 1}" if stages > 1 else ""
    its = printed(worst.ms)
    start = (
        f"{name}: the route{stage} with the highest median is {say.route(worst.route)} with "
        f"{its.value} ms ({its.sure}, n = {worst.ms.n:,})"
    )
    if worst.over_others is None:
        return f"{start}, the only one."
    over = printed(worst.over_others)
    how = f"{over.value} times the others ({over.sure})"
    told = "told apart from them" if worst.told_apart else "not told apart from them"
    if not sure(worst.over_others):
        told = say.no_verdict(worst.over_others)
    left = f" ({say.count(worst.left_out, 'rarer route')} not considered)" * bool(worst.left_out)
    return f"{start}: {how}, {told}{left}."


_SHARES = {
    "prior": "Share of images under the usage prior of the manifest.",
    "given": "Share of images under the distribution that was asked for.",
    "observed": "Share of the answers that count for latency.",
}


def _table(summary: Summary) -> Table:
    """Every route."""
    names = subject_names(summary)
    several = max(found.stages for found in summary.routes) > 1
    all_rows = [row for found in summary.routes for row in found.rows]
    shares = {
        name: help
        for name, help in _SHARES.items()
        if any(getattr(row, name) is not None for row in all_rows)
    }
    columns = (
        *words("subject", *(["stage"] if several else []), "route"),
        Column("p50 ms", help="Median of the whole answer."),
        Column("95% interval", number=False),
        Column("p95 ms"),
        Column("expert ms", help="Median of its own graph alone."),
        Column("95% interval", number=False),
        *(Column(name, help=help) for name, help in shares.items()),
        Column("n"),
    )
    cells = [
        [
            text(names[found.subject]),
            *([number(row.stage, str(row.stage + 1))] if several else []),
            Cell(say.route(row.route), float(row.route[0]) if row.route else None),
            *figures(row.total_ms),
            percentile(row.total_ms, 95),
            *figures(row.expert_ms),
            *(_percent(getattr(row, name)) for name in shares),
            number(row.n, f"{row.n:,}"),
        ]
        for found in summary.routes
        for row in found.rows
    ]
    star = f" ({FEW})" if any(row.total_ms.few(95) for row in all_rows) else ""
    return Table(f"Every route{star}", columns, rows(cells), folded=len(cells) > 6)


def _percent(share: float | None) -> Cell:
    """A share of images."""
    return number(share, None if share is None else percent(share))
