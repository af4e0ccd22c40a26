"""Where the engine itself says that it puts a graph's operators on this device."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Placement
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Graph, Target

Found = tuple[str, dict[str, int], dict[str, float] | None, dict[str, int]]
"""A graph, its operators by unit, their cost by unit, and the types outside the preferred unit."""


def run(session: Session) -> None:
    """One subject after the other; engines that say nothing have no lines."""
    for subject in session.order.subjects:
        session.attempt(subject, partial(_place, session, subject))


def _place(session: Session, subject: SubjectOrder) -> None:
    """A line for each graph that the engine speaks of."""
    bundle = Bundle.open(subject.root, subject.manifest_sha256)
    record = bundle.target(subject.target)
    say = {"onnx": _onnx, "coreml": _core_ml}.get(record.format)
    for graph, by_unit, cost, outside in say(bundle.path, record, subject) if say else ():
        session.emit(
            Placement(
                job=session.order.job,
                subject=subject.key,
                graph=graph,
                by_unit=by_unit,
                cost_by_unit=cost,
                outside=outside,
            )
        )


def _representatives(record: Target) -> Iterator[Graph]:
    """The graphs of which one stands for all of its stage: routes differ in weights alone."""
    seen: set[int] = set()
    for graph in record.graphs:
        if graph.stage not in seen:
            seen.add(graph.stage)
            yield graph


def _onnx(root: Path, record: Target, subject: SubjectOrder) -> Iterator[Found]:
    """What the session of each stage's first graph recorded while it cut the graph."""
    from mvmoe_deploy.runtime.runners.onnx.placement import assignment

    provider = subject.engine_options.get("provider", "CPU")
    providers = [f"{name}ExecutionProvider" for name in dict.fromkeys((provider, "CPU"))]
    for graph in _representatives(record):
        found = assignment(root / graph.file, providers)
        counts = {
            name.removesuffix("ExecutionProvider"): types.total() for name, types in found.items()
        }
        outside: dict[str, int] = {}
        for name, types in found.items():
            if name != providers[0]:
                outside |= {kind: outside.get(kind, 0) + n for kind, n in types.items()}
        yield graph.name, counts, None, outside


def _core_ml(root: Path, record: Target, subject: SubjectOrder) -> Iterator[Found]:
    """Core ML's own plan for every function."""
    from mvmoe_deploy.runtime.runners.coreml.placement import placements

    for found in placements(root, record, subject.engine_options.get("compute_units", "all")):
        yield found.graph, found.by_unit, found.cost_by_unit, found.outside
