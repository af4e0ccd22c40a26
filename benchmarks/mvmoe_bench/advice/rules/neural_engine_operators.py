"""Operators that run elsewhere than on the accelerator, wherever the rest of the graph runs."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import accelerator_rule
from mvmoe_bench.advice.wording import counted
from mvmoe_deploy.strategies import DEFAULT
from mvmoe_export.neural_engine import LEAVES, NEURAL_ENGINE
from mvmoe_export.sources import Citation, as_text


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph and source."""
    unit = target.accelerator
    if unit is None or unit.leaves is None:
        return
    known = unit.leaves.value
    for graph in target.graphs:
        by_source: dict[tuple[Citation, ...], Counter[str]] = {}
        for op in graph.known:
            if op.type in known:
                by_source.setdefault(known[op.type], Counter())[op.type] += 1
        for sources, found in sorted(by_source.items(), key=lambda item: min(item[1])):
            text = f"{counted(found)} will probably not run on the {unit.title}; "
            text += _remedy(target, found)
            reason, source = unit.leaves.reason, as_text(sources)
            yield Finding("warning", unit.title, text, graph.name, reason, source)


def _remedy(target: TargetView, found: Counter[str]) -> str:
    """What to do about operators that share a source."""
    if target.strategy.gathers_weights and any(name.startswith("gather") for name in found):
        return f"export with --strategy {DEFAULT}, which gathers nothing"
    return "write that part in other operators, or do it on the host"


PART = accelerator_rule(
    "neural-engine-operators",
    NEURAL_ENGINE.leaves,
    _check,
    looks_at="operators that are known to leave the Neural Engine: "
    + ", ".join(f"`{name}`" for name in LEAVES),
    says="write them otherwise, or do it on the host",
)
