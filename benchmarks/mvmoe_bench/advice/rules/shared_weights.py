"""One package a graph, where an engine has no functions: each stores what every expert uses."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import size
from mvmoe_export.sources import MULTIFUNCTION


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target that repeats weights."""
    engine, sizes = target.engine, target.record.sizes
    packages = {graph.file for graph in target.record.graphs}
    if engine is None or engine.shares_weights is None or sizes is None or len(packages) < 2:
        return
    option, value = engine.shares_weights
    stored = sum(graph.weight_bytes for graph in target.graphs)
    repeated = stored - sizes.distinct_bytes
    if repeated > 0:
        yield Finding(
            "warning",
            engine.title,
            f"{target.record.options.get(option)} has no functions in packages: {len(packages)} "
            f"packages store {size(repeated)} of {size(stored)} more than once; "
            f"{target.flag(option, value)} stores them once",
        )


PART = EngineRule(
    name="shared-weights",
    looks_at="one package a graph (iOS 16 and 17)",
    says="how much is stored more than once",
    gravity="`warning`",
    reason="Packages with several functions over one copy of the weights need iOS 18 or macOS 15.",
    sources=(MULTIFUNCTION,),
    check=_check,
)
