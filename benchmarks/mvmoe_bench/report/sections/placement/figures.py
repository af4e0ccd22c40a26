"""Where operators run: as engines say when asked (measured), and as the advisor estimates."""

import msgspec

from mvmoe_bench.measure.jobs.placement import PlacementLine
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
    last = {(line.subject, line.graph): line for line in index.of_kind(PlacementLine)}
    return msgspec.convert(tuple(last.values()), tuple[PlacementFigure, ...], from_attributes=True)


def _advice(index: Index) -> tuple[EngineAdvice, ...]:
    """Estimates by engine; the same finding on several graphs is one entry."""
    engines: dict[str, dict[Advice, list[str]]] = {}
    for line in index.of_kind(Advice):
        finding = msgspec.structs.replace(line, graph=None)
        graphs = engines.setdefault(line.engine, {}).setdefault(finding, [])
        if line.graph is not None and line.graph not in graphs:
            graphs.append(line.graph)
    return tuple(EngineAdvice(engine=engine, advice=_sorted(of)) for engine, of in engines.items())


def _sorted(found: dict[Advice, list[str]]) -> tuple[AdviceFigure, ...]:
    """Findings as figures, problems first."""
    figures = [
        msgspec.convert({**msgspec.structs.asdict(line), "graphs": graphs}, AdviceFigure)
        for line, graphs in found.items()
    ]
    return tuple(sorted(figures, key=lambda advice: SEVERITIES.index(advice.severity)))
