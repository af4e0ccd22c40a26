"""What the first load of a graph costs on an accelerator: it is compiled for the device."""

from operator import attrgetter

from mvmoe_bench.advice.contract import TargetView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_targets
from mvmoe_bench.advice.wording import plural, size
from mvmoe_export.accelerator import Accelerator
from mvmoe_export.neural_engine import NEURAL_ENGINE


def _say(target: TargetView, emptied_by: str, unit: Accelerator) -> Said:
    """How many graphs there are to compile."""
    count = len(target.graphs)
    largest = max(target.graphs, key=lambda graph: graph.weight_bytes)
    routed = any(graph.route is not None for graph in target.graphs)
    warm = "the stem and the most used experts" if routed else "them all"
    yield (
        "info",
        f"{plural(count, 'first load')} to compile on each device (the largest, {largest.name}, "
        f"has {size(largest.weight_bytes)} of weights); load {warm} in the background after "
        f"installation and after {emptied_by}, before somebody waits",
    )


PART = accelerator_rule(
    "first-load",
    NEURAL_ENGINE.first_load,
    of_targets(attrgetter("first_load"), _say),
    looks_at="the number of Core ML's graphs",
    says="load the most used ones before somebody waits",
    gravity="`info`",
)
