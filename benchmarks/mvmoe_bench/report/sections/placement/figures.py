"""Where operators run: as engines say when asked (measured), and as the advisor estimates."""

from mvmoe_bench.measure.jobs.placement import Placement
from mvmoe_bench.measure.schema.records import Advice
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Figure


class PlacementFigure(Figure, frozen=True):
    """One graph, as its engine placed it on this device."""

    subject: str
    graph: str
    by_unit: dict[str, int]
    cost_by_unit: dict[str, float] | None
    outside: dict[str, int]


class AdviceFigure(Figure, frozen=True):
    """One finding of the advisor: an estimate."""

    bundle: str
    target: str
    graphs: tuple[str, ...]
    """That it is of; empty if of the target as a whole."""
    rule: str
    severity: str
    text: str
    reason: str
    source: str


class EngineAdvice(Figure, frozen=True):
    """What the advisor estimates for one engine."""

    engine: str
    advice: tuple[AdviceFigure, ...]
    """Problems first."""


class Placements(Figure, frozen=True):
    """What was measured, and what is estimated: never mixed."""

    measured: tuple[PlacementFigure, ...]
    """One a graph."""
    advice: tuple[EngineAdvice, ...]


SEVERITIES = ("problem", "warning", "info")
"""The worst first."""


def placement(index: Index) -> Placements | None:
    """What engines and the advisor say; None if neither was asked."""
    measured, advice = _measured(index), _advice(index)
    return Placements(measured=measured, advice=advice) if measured or advice else None


def _measured(index: Index) -> tuple[PlacementFigure, ...]:
    """Measured placements, one a graph: the last that the engine said."""
    last = {(line.subject, line.graph): line for line in index.of_kind(Placement)}
    return tuple(
        PlacementFigure(
            subject=line.subject,
            graph=line.graph,
            by_unit=line.by_unit,
            cost_by_unit=line.cost_by_unit,
            outside=line.outside,
        )
        for line in last.values()
    )


def _advice(index: Index) -> tuple[EngineAdvice, ...]:
    """Estimates by engine; the same finding on several graphs is one entry."""
    found: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for line in index.of_kind(Advice):
        key = (line.bundle, line.target, line.rule, line.severity, line.text)
        graphs = found.setdefault(line.engine, {}).setdefault((*key, line.reason, line.source), [])
        if line.graph is not None and line.graph not in graphs:
            graphs.append(line.graph)
    return tuple(EngineAdvice(engine=engine, advice=_sorted(its)) for engine, its in found.items())


def _sorted(found: dict[tuple[str, ...], list[str]]) -> tuple[AdviceFigure, ...]:
    """Findings as figures, problems first."""
    figures = [
        AdviceFigure(
            bundle=bundle,
            target=target,
            graphs=tuple(graphs),
            rule=rule,
            severity=severity,
            text=text,
            reason=reason,
            source=source,
        )
        for (bundle, target, rule, severity, text, reason, source), graphs in found.items()
    ]
    return tuple(sorted(figures, key=lambda its: SEVERITIES.index(its.severity)))
