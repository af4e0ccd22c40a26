"""One package a graph, below iOS 18: what every expert uses is stored in each of them."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import CORE_ML, EngineRule, on_neural_engine
from mvmoe_bench.advice.sources import MULTIFUNCTION
from mvmoe_bench.advice.wording import size


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target that repeats weights."""
    packages = {graph.file for graph in target.record.graphs}
    if len(packages) < 2 or target.record.sizes is None:
        return
    stored = sum(graph.weight_bytes for graph in target.graphs)
    repeated = stored - target.record.sizes.distinct_bytes
    oldest = target.record.options.get("deployment_target", "the deployment target")
    if repeated > 0:
        yield Finding(
            "warning",
            CORE_ML,
            f"{oldest} has no functions in packages: {len(packages)} packages store "
            f"{size(repeated)} of {size(stored)} more than once; --coreml-deployment-target iOS18 "
            "stores them once",
        )


PART = EngineRule(
    name="shared-weights",
    looks_at="one package a graph (iOS 16 and 17)",
    says="how much is stored more than once",
    gravity="`warning`",
    reason="Packages with several functions over one copy of the weights need iOS 18 or macOS 15.",
    sources=(MULTIFUNCTION,),
    check=on_neural_engine(_check),
)
