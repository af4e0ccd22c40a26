"""What the first load of a graph costs on a Neural Engine: it is compiled for the device."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import NEURAL_ENGINE, EngineRule, on_neural_engine
from mvmoe_bench.advice.sources import MULTIFUNCTION
from mvmoe_bench.advice.wording import plural, size
from mvmoe_export.sources import issue


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target."""
    count = len(target.graphs)
    largest = max(target.graphs, key=lambda graph: graph.weight_bytes)
    routed = any(graph.route is not None for graph in target.graphs)
    warm = "the stem and the most used experts" if routed else "them all"
    yield Finding(
        "info",
        NEURAL_ENGINE,
        f"{plural(count, 'first load')} to compile on each device (the largest, {largest.name}, "
        f"has {size(largest.weight_bytes)} of weights); load {warm} in the background after "
        "installation and after updates of the system, before somebody waits",
    )


PART = EngineRule(
    name="first-load",
    looks_at="the number of Core ML's graphs",
    says="load the most used ones before somebody waits",
    gravity="`info`",
    reason="A first load on the Neural Engine compiles for chip and system: seconds for small "
    "models, 97 s were reported of a CLIP image model on an iPhone 14 Pro Max, 440 s of a large "
    "one on an M4 Pro; later loads take the result from a cache that updates empty.",
    sources=(
        issue("argmaxinc/argmax-oss-swift", 309, 17),
        issue("apple/coremltools", 1814),
        MULTIFUNCTION.at("each function is loaded by itself"),
    ),
    check=on_neural_engine(_check),
)
