"""Into how many pieces an engine cuts a graph, what breaks it, and which rewrite repairs it."""

from collections.abc import Iterable, Iterator

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, Severity, TargetView
from mvmoe_bench.advice.rules.engines import BY_PLACEMENT, shaped_for
from mvmoe_bench.advice.rules.repairs import computes, repairs
from mvmoe_bench.advice.rules.wording import counted, plural
from mvmoe_deploy.bundle.manifest import Placement
from mvmoe_deploy.strategies import DEFAULT, find_strategy

_FEW = {"xnnpack": 4}
"""Pieces that are a warning and no problem. XNNPACK's share the CPU's memory with what is between
them; where a piece is an accelerator's, tensors are copied for it, and two are few."""

_WELL_COVERED = 0.75
"""Of the nodes in one piece: from here on onnxruntime's checker says that a provider pays."""

_ARM = (
    "Arm, ExecuTorch on Arm, Inspect the delegation summary (https://learn.arm.com/courses/"
    "executorch-on-arm/optimize-image-classification/"
    "export-and-lower-mobilenetv2-with-executorch-and-xnnpack/inspect-the-delegation-summary/)"
)
_OURS = "measured by us, 1.22 times slower in 52 pieces: python -m own_standing.rewriting"
_NNAPI = (
    f"{sources.ORT_CHECKER}; microsoft/onnxruntime#9054, #9285 "
    "(https://github.com/microsoft/onnxruntime/issues/9054)"
)
_COREML_EP = (
    f"{sources.ORT_CHECKER}; microsoft/onnxruntime#28022 "
    "(https://github.com/microsoft/onnxruntime/issues/28022)"
)
_SOURCES = {
    "xnnpack": f"{_OURS}; {_ARM}",
    "coreml": f"{_ARM}; {sources.APPLE_RULES}",
    "nnapi": _NNAPI,
    "coreml-ep": _COREML_EP,
}


class Partitions:
    """Pieces that the export recorded: for the engine a target is shaped for, and for others."""

    name = "partitions"
    reason = (
        "Between two pieces the graph runs in slow kernels or on the CPU, and tensors change hands."
    )
    source = sources.ORT_CHECKER

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph for the target's own engine, one a target for every other."""
        chosen = shaped_for(target)
        for graph in target.graphs:
            for placement in graph.placement:
                if placement.engine == chosen:
                    yield _own(target, graph, placement)
        yield from _others(target, chosen)


def _own(target: TargetView, graph: GraphView, placement: Placement) -> Finding:
    """What is said of a graph and the engine that it is shaped for."""
    engine = BY_PLACEMENT[placement.engine]
    outside = {name: count for name, count in placement.outside.items() if computes(name)}
    if not outside and placement.partitions == 1:
        text = f"One partition for {engine}, and no operator outside of it"
    else:
        pieces = plural(placement.partitions, "partition") if placement.partitions else "Nothing"
        culprits = _culprits(outside) + _repair(target, placement, outside)
        text = f"{pieces} for {engine}{culprits}"
    return Finding(
        severity=_severity(placement, sum(outside.values())),
        engine=engine,
        text=text,
        graph=graph.name,
        source=_SOURCES.get(placement.engine),
    )


def _severity(placement: Placement, outside: int) -> Severity:
    """How grave the pieces of a graph are for the engine that it is shaped for."""
    pieces, few = placement.partitions, _FEW.get(placement.engine, 2)
    if not pieces or pieces > few:
        return "problem"
    if pieces == 1 and not outside:
        return "info"
    # Where nodes are not counted, a piece with anything beside it is looked at.
    poorly = placement.nodes is not None and outside > (1 - _WELL_COVERED) * placement.nodes
    return "problem" if poorly else "warning"


def _culprits(outside: dict[str, int]) -> str:
    """Which operators are outside, the most frequent first."""
    if not outside:
        return ""
    return f", broken by {plural(sum(outside.values()), 'operator')} outside: {counted(outside)}"


def _repair(target: TargetView, placement: Placement, outside: dict[str, int]) -> str:
    """What to do about the operators outside."""
    strategy = find_strategy(target.record.strategy)
    if strategy.gathers_weights and outside:
        return f"; the strategy {strategy.name} needs them, export it with --strategy {DEFAULT}"
    applied = set(target.record.rewrites)
    wanted = {name: repairs(name, placement.engine) for name in outside}
    missing = dict.fromkeys(
        rewrite for names in wanted.values() for rewrite in names if rewrite not in applied
    )
    rewrites = ", ".join(sorted(missing))
    left = {name: outside[name] for name, names in wanted.items() if not set(names) - applied}
    advice = ""
    if rewrites:
        advice += f"; export it with the rewrites {rewrites} (the defaults, without --rewrites)"
    if left:
        advice += f"; no rewrite replaces {counted(left)}: write that part in other operators"
    return advice


def _others(target: TargetView, chosen: str | None) -> Iterator[Finding]:
    """What is said of engines that a target is not shaped for, and no other target is."""
    shaped = {record.options.get("profile") for record in target.targets.values()}
    pieces: dict[str, int] = {}
    for graph in target.graphs:
        for placement in graph.placement:
            if placement.engine not in {chosen, *shaped} and placement.partitions != 1:
                pieces[placement.engine] = max(
                    pieces.get(placement.engine, 0), placement.partitions
                )
    for name, most in pieces.items():
        engine = BY_PLACEMENT.get(name, name)
        cut = f"cut its graphs into up to {most} partitions" if most else "take none of its graphs"
        yield Finding(
            severity="info",
            engine=engine,
            text=(
                f"It is shaped for the profile {target.record.options.get('profile', 'cpu')}, and "
                f"{engine} would {cut}: to run it there export it with --onnx-profile {name}"
            ),
            source=_SOURCES.get(name),
        )


PART = Partitions()
