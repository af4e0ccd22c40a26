"""Where operators run: as engines say when asked (measured), and as export and advisor estimate."""

from collections.abc import Iterator
from typing import Any

import msgspec

from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.schema.records import Advice, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Figure
from mvmoe_bench.report.subjects import is_product
from mvmoe_deploy.bundle.manifest import Placement


class PlacementFigure(Figure, frozen=True):
    """One graph, as its engine placed it on this device."""

    subject: str
    graph: str
    by_unit: dict[str, int]
    cost_by_unit: dict[str, float] | None
    outside: dict[str, int]


class PartitionFigure(Figure, frozen=True):
    """Into how many pieces a graph was cut for a subject's engine, by a tool at export."""

    subject: str
    graph: str
    partitions: int
    """The pieces that the engine takes."""
    nodes: int | None
    nodes_outside: int
    """Those of them that fall back to the CPU."""
    outside: dict[str, int]
    """The same by operator."""


class _RecordedGraph(msgspec.Struct, frozen=True):
    """What is read of a graph in a bundle's record."""

    name: str = ""
    placement: tuple[Placement, ...] = ()


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
    partitions: tuple[PartitionFigure, ...]
    """An estimate, of subjects whose engine takes pieces of graphs."""
    unasked: tuple[str, ...]
    """Subjects of those whose engine did not say itself what it takes on this device."""
    advice: tuple[EngineAdvice, ...]


SEVERITIES = ("problem", "warning", "info")
"""The worst first."""


def placement(index: Index) -> Placements | None:
    """What engines and the advisor say; None if neither was asked."""
    measured, partitions, advice = _measured(index), tuple(_partitions(index)), _advice(index)
    if not (measured or partitions or advice):
        return None
    said = {line.subject for line in measured}
    estimated = dict.fromkeys(line.subject for line in partitions)
    return Placements(
        measured=measured,
        partitions=partitions,
        unasked=tuple(subject for subject in estimated if subject not in said),
        advice=advice,
    )


def _measured(index: Index) -> tuple[PlacementFigure, ...]:
    """Measured placements, one a graph: the last that the engine said."""
    last = {(line.subject, line.graph): line for line in index.of_kind(PlacementLine)}
    return msgspec.convert(tuple(last.values()), tuple[PlacementFigure, ...], from_attributes=True)


def _partitions(index: Index) -> Iterator[PartitionFigure]:
    """What export recorded of each product's graphs for the engine that the product asked for."""
    for subject in filter(is_product, index.run.subjects):
        for graph, placed in _recorded(index, subject):
            if _is_engine_of(placed, subject):
                yield PartitionFigure(
                    subject=subject.key,
                    graph=graph,
                    partitions=placed.partitions,
                    nodes=placed.nodes,
                    nodes_outside=placed.nodes_outside,
                    outside=placed.outside,
                )


def _recorded(index: Index, subject: SubjectRecord) -> Iterator[tuple[str, Placement]]:
    """Graphs of a subject's target with each engine's pieces; what is damaged is left out."""
    bundle = index.bundles.get(subject.bundle)
    target: dict[str, Any] = {} if bundle is None else bundle.targets.get(subject.target or "", {})
    try:
        graphs = msgspec.convert(target.get("graphs", ()), tuple[_RecordedGraph, ...])
    except msgspec.ValidationError:
        return
    yield from ((graph.name, placed) for graph in graphs for placed in graph.placement)


def _is_engine_of(placed: Placement, subject: SubjectRecord) -> bool:
    """Whether a subject runs on the engine: `NNAPI`, or `NnapiExecutionProvider`."""
    name = placed.engine.partition("-")[0]
    return (subject.requested.provider or "").casefold().startswith(name)


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
