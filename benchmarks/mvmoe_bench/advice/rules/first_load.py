"""What the first load of each graph costs on a Neural Engine."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml
from mvmoe_bench.advice.rules.wording import plural, size


class FirstLoad:
    """Core ML compiles a graph for the device when it is loaded there for the first time."""

    name = "first-load"
    reason = (
        "A first load on the Neural Engine compiles for chip and system: seconds for small models, "
        "97 s were reported of a CLIP image model on an iPhone; later loads take the result "
        "from a cache that updates empty."
    )
    source = (
        "argmaxinc/argmax-oss-swift#309, #17 "
        "(https://github.com/argmaxinc/argmax-oss-swift/issues/309); apple/coremltools#1814 "
        f"(https://github.com/apple/coremltools/issues/1814); {sources.MULTIFUNCTION}: each "
        "function is loaded by itself"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target."""
        if not is_core_ml(target):
            return
        count = len(target.graphs)
        largest = max(target.graphs, key=lambda graph: graph.weight_bytes)
        routed = any(graph.route is not None for graph in target.graphs)
        warm = "the stem and the most used experts" if routed else "them all"
        yield Finding(
            "info",
            NEURAL_ENGINE,
            f"{plural(count, 'first load')} to compile on each device (the largest, "
            f"{largest.name}, has {size(largest.weight_bytes)} of weights); load {warm} in the "
            "background after installation and after updates of the system, before somebody waits",
        )


PART = FirstLoad()
