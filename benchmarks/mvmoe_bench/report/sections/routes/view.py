"""What each route costs, and what an image costs under the routes' shares."""

from collections.abc import Iterator

from mvmoe_bench.report import columns, formatting
from mvmoe_bench.report.blocks import Block, Cell, Chart, TableBlock, Text, number, route_cell
from mvmoe_bench.report.formatting import percent
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.routes.figures import (
    Expected,
    RouteRow,
    Routes,
    Under,
    Worst,
    drawn_share,
)
from mvmoe_bench.report.sections.routes.plot import MOST, RoutesPlot
from mvmoe_bench.report.statistics import conclusive

Found = dict[str, Routes]

MOST_STAGES = 4
"""Routed stages that are drawn for each subject."""
_NEARLY_ALL = 0.95
"""The share of a distribution whose routes were measured, below which the report says so."""


def view(summary: Summary, found: Found) -> View:
    """For each subject and stage a plot; expected latencies, worst routes, all routes."""
    blocks: list[Block] = []
    for key, routes in found.items():
        of = f": {summary.names[key]}" if len(found) > 1 else ""
        blocks += [_chart(routes, of, stage) for stage in range(min(routes.stages, MOST_STAGES))]
        if routes.stages > MOST_STAGES:
            blocks.append(Text((f"Stages from {MOST_STAGES + 1} on are in the table only.",)))
    worst = tuple(
        _worst_sentence(worst, summary.names[key], routes.stages)
        for key, routes in found.items()
        for worst in routes.worst
    )
    return View(
        (*blocks, _expected(summary, found), Text(worst, listed=True), _table(summary, found)),
        "A route is the set of experts that one image uses; experts are numbered from 0. The "
        "expected latency weighs each route's median with the share of images that take it.",
    )


def _chart(found: Routes, of: str, stage: int) -> Chart:
    """The routes of one stage, the most used first."""
    routes = [(row, drawn_share(row)) for row in found.rows if row.stage == stage]
    whole = found.stages == 1
    drawn, left = routes[:MOST], routes[MOST:]
    under = _under(drawn[0][0])
    expected = next((e for e in found.expected if e.under == under), None)
    where = f", stage {stage + 1}" if found.stages > 1 else ""
    rest = percent(sum(share for _, share in left))
    beyond = f" {len(left)} rarer routes ({rest} of images): see the table." if left else ""
    what = "its own graph; grey: all else" if whole else "the expert; grey: select and load"
    return Chart(
        f"Time by route; thick bars are used more{of}{where}",
        f"Length: median; green: {what}; bracket: 95% interval of the median; thickness: share "
        f"of images under the {_SHOWN[under]}; n: answers, forced ones too.{beyond}",
        RoutesPlot(drawn, whole, expected),
    )


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


def _expected(summary: Summary, found: Found) -> TableBlock:
    """Expected latency under every distribution."""
    return columns.table(
        "Expected latency of an image",
        ((key, each) for key, routes in found.items() for each in routes.expected),
        columns.text("subject", lambda key, _: summary.names[key]),
        columns.text("under", lambda _, expected: expected.under),
        columns.estimate("expected ms", lambda _, expected: expected.ms),
        columns.number("measured share", lambda _, expected: _coverage(expected),
                       "Share of the distribution whose routes were measured."),
        columns.count("n", lambda _, expected: expected.ms.n),
        columns.count("repeats", lambda _, expected: expected.ms.repeats),
    )  # fmt: skip


def _coverage(expected: Expected) -> Cell:
    """The share of a distribution that was measured, of its least covered stage."""
    least = min(expected.coverage)
    return number(least, percent(least), "" if least > _NEARLY_ALL else "bad")


def _worst_sentence(worst: Worst, name: str, stages: int) -> str:
    """The slowest route, and whether it is told apart."""
    stage = f" of stage {worst.stage + 1}" if stages > 1 else ""
    shown = printed(worst.ms)
    start = (
        f"{name}: the route{stage} with the highest median is {formatting.route(worst.route)} with "
        f"{shown.value} ms ({shown.interval}, n = {worst.ms.n:,})"
    )
    if worst.over_others is None:
        return f"{start}, the only one."
    over = printed(worst.over_others)
    how = f"{over.value} times the others ({over.interval})"
    verdict = "told apart from them" if worst.told_apart else "not told apart from them"
    if not conclusive(worst.over_others):
        verdict = formatting.no_verdict(worst.over_others)
    rarer = formatting.count(worst.left_out, "rarer route")
    left = f" ({rarer} not considered)" if worst.left_out else ""
    return f"{start}: {how}, {verdict}{left}."


_SHARES = {
    "prior": "Share of images under the usage prior of the manifest.",
    "given": "Share of images under the distribution that was asked for.",
    "observed": "Share of the answers that count for latency.",
}


def _table(summary: Summary, found: Found) -> TableBlock:
    """Every route."""
    several = max(routes.stages for routes in found.values()) > 1
    rows = [(key, row) for key, routes in found.items() for row in routes.rows]
    few = any(row.total_ms.few(95) for _, row in rows)
    stage = columns.number("stage", lambda _, row: number(row.stage, str(row.stage + 1)))
    return columns.table(
        f"Every route{columns.FEW * few}",
        rows,
        columns.text("subject", lambda key, _: summary.names[key]),
        *([stage] if several else []),
        columns.text("route", lambda _, row: route_cell(row.route)),
        columns.estimate("p50 ms", lambda _, row: row.total_ms, "Median of the whole answer."),
        columns.percentile("p90 ms", 90, lambda _, row: row.total_ms),
        columns.percentile("p95 ms", 95, lambda _, row: row.total_ms),
        columns.estimate(
            "expert ms", lambda _, row: row.expert_ms, "Median of its own graph alone."
        ),
        *(
            columns.share(name, lambda _, row, name=name: getattr(row, name), help)
            for name, help in _SHARES.items()
            if any(getattr(row, name) is not None for _, row in rows)
        ),
        columns.count("n", lambda _, row: row.n),
        folded=6,
    )


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """Expected latency where a distribution was asked for; a route that stands out."""
    routes = found.get(summary.main or "")
    if routes is None:
        return
    for expected in routes.expected:
        if expected.under == "given distribution":
            yield Point(topic="Speed", text=_expected_sentence(expected))
    for worst in routes.worst:
        over = worst.over_others
        if worst.told_apart and over is not None and over.value > 1.05:
            stage = f" of stage {worst.stage + 1}" if routes.stages > 1 else ""
            shown = printed(over)
            yield Point(
                topic="Speed",
                text=f"Route {formatting.route(worst.route)}{stage} is the slowest: "
                f"{shown.value} times what the others take ({shown.interval}).",
            )


def _expected_sentence(expected: Expected) -> str:
    """What an image costs under the distribution that was asked for."""
    shown, least = printed(expected.ms), min(expected.coverage)
    measured = "" if least > _NEARLY_ALL else f"; only {percent(least)} of it was measured"
    return (
        f"Under the given distribution of routes an image takes {shown.value} ms on average "
        f"({shown.interval}){measured}."
    )
