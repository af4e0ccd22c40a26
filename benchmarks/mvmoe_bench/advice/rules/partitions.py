"""Into how many pieces an engine cuts a graph, what breaks it, and which rewrite repairs it."""

from collections.abc import Iterator, Mapping

from mvmoe_bench.advice.contract import Finding, GraphView, Severity, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import counted, plural
from mvmoe_deploy.bundle.manifest import Placement
from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.strategies import DEFAULT
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.sources import ORT_CHECKER, as_text

_WELL_COVERED = 0.75
"""Of the nodes in one piece: from here on onnxruntime's checker says that a provider pays."""


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph for the target's own engine, one a target for every other."""
    for graph in target.graphs:
        for placement in graph.placement:
            if target.engine is not None and placement.engine == target.engine.name:
                yield _own(target, target.engine, graph, placement)
    yield from _others(target)


def _own(
    target: TargetView, engine: EngineFacts, graph: GraphView, placement: Placement
) -> Finding:
    """What is said of a graph and the engine that it is shaped for."""
    nodes = placement.outside.items()
    outside = {name: count for name, count in nodes if name not in engine.bookkeeping}
    if not outside and placement.partitions == 1:
        text = f"One partition for {engine.title}, and no operator outside of it"
    else:
        pieces = plural(placement.partitions, "partition") if placement.partitions else "Nothing"
        text = f"{pieces} for {engine.title}{_culprits(target, engine, outside)}"
    return Finding(
        severity=_severity(engine, placement, sum(outside.values())),
        engine=engine.title,
        text=text,
        graph=graph.name,
        source=as_text(engine.sources) or None,
    )


def _severity(engine: EngineFacts, placement: Placement, outside: int) -> Severity:
    """How grave the pieces of a graph are for the engine that it is shaped for."""
    pieces = placement.partitions
    if not pieces or pieces > engine.few_partitions:
        return "problem"
    if pieces == 1 and not outside:
        return "info"
    # Where nodes are not counted, a piece with anything beside it is looked at.
    poorly = placement.nodes is not None and outside > (1 - _WELL_COVERED) * placement.nodes
    return "problem" if poorly else "warning"


def _culprits(target: TargetView, engine: EngineFacts, outside: Mapping[str, int]) -> str:
    """Which operators are outside, the most frequent first, and what to do about them."""
    if not outside:
        return ""
    broken = f", broken by {plural(sum(outside.values()), 'operator')} outside: {counted(outside)}"
    if target.strategy.gathers_weights:
        name = target.strategy.name
        return f"{broken}; the strategy {name} needs them, export it with --strategy {DEFAULT}"
    return broken + _repairs(target, engine, outside)


def _repairs(target: TargetView, engine: EngineFacts, outside: Mapping[str, int]) -> str:
    """The rewrites that replace the operators outside, as far as they were not applied."""
    try:
        from mvmoe_export.rewrites import repairs
    except ImportError as error:
        missing = MissingExtraError.from_import(error, "PyTorch", "export")
        return f"; which rewrites replace them was not read: {missing}"
    found = repairs(outside, engine.needs, target.record.rewrites)
    advice = ""
    if found.by_default:
        names = ", ".join(found.by_default)
        advice += f"; export it with the rewrites {names} (the defaults, without --rewrites)"
    if found.if_named:
        names = ", ".join(found.if_named)
        advice += f"; the rewrites {names}, which only --rewrites applies, replace others of them"
    if found.without:
        left = counted({name: outside[name] for name in found.without})
        advice += f"; no rewrite replaces {left}: write that part in other operators"
    return advice


def _others(target: TargetView) -> Iterator[Finding]:
    """What is said of engines that neither this target nor another one is shaped for."""
    shaped = {engine.name for its in target.targets.values() if (engine := target.engine_of(its))}
    pieces: dict[str, int] = {}
    for graph in target.graphs:
        for placement in graph.placement:
            if placement.engine not in shaped and placement.partitions != 1:
                most = max(pieces.get(placement.engine, 0), placement.partitions)
                pieces[placement.engine] = most
    for name, most in pieces.items():
        engine = target.engine_called(name)
        cut = f"cut its graphs into up to {most} partitions" if most else "take none of its graphs"
        flag = target.flag(*engine.choice) if engine.choice else ""
        there = f": to run it there export it with {flag}" if flag else ""
        yield Finding(
            severity="info",
            engine=engine.title,
            text=f"It is {_shaped_for(target.engine)}, and {engine.title} would {cut}{there}",
            source=as_text(engine.sources) or None,
        )


def _shaped_for(engine: EngineFacts | None) -> str:
    """What a target is shaped for, as its exporter was told."""
    if engine is None:
        return "shaped for no engine that is known here"
    return f"shaped for the {' '.join(engine.choice)}" if engine.choice else f"for {engine.title}"


PART = EngineRule(
    name="partitions",
    looks_at="the pieces that the export recorded, and what lies between them",
    says="which operators break the graph, and which [rewrites](rewrites.md) repair it",
    gravity="`info` for one piece with nothing outside; `warning` for a few, or with operators "
    "outside; else `problem`. Engines that the target is not shaped for: one `info`",
    reason="Between two pieces the graph runs in slow kernels or on the CPU, and tensors change "
    "hands.",
    sources=(ORT_CHECKER.at("whose thresholds are used"),),
    check=_check,
)
