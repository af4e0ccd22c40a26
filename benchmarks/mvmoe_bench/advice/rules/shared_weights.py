"""Core ML packages that cannot share weights."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import CORE_ML, is_core_ml
from mvmoe_bench.advice.rules.wording import size


class SharedWeights:
    """One package a graph, below iOS 18: what every expert uses is stored in each of them."""

    name = "shared-weights"
    reason = "Packages with several functions over one copy of the weights need iOS 18 or macOS 15."
    source = sources.MULTIFUNCTION

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target that repeats weights."""
        packages = {graph.file for graph in target.record.graphs}
        if not is_core_ml(target) or len(packages) < 2:
            return
        stored = sum(graph.weight_bytes for graph in target.graphs)
        sizes = target.record.sizes
        repeated = stored - sizes.distinct_bytes if sizes is not None else 0
        oldest = target.record.options.get("deployment_target", "the deployment target")
        if repeated > 0:
            yield Finding(
                "warning",
                CORE_ML,
                f"{oldest} has no functions in packages: {len(packages)} packages store "
                f"{size(repeated)} of {size(stored)} more than once; "
                "--coreml-deployment-target iOS18 stores them once",
            )


PART = SharedWeights()
