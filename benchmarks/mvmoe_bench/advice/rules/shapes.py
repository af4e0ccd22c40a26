"""Shapes that are not fixed."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, TargetView
from mvmoe_bench.advice.rules.engines import BY_PLACEMENT, NEURAL_ENGINE, is_core_ml, shaped_for
from mvmoe_bench.advice.rules.wording import plural


class Shapes:
    """Tensors with axes of unknown length."""

    name = "shapes"
    reason = (
        "The Neural Engine compiles for fixed shapes (of a range it takes the default alone), and "
        "NNAPI's provider takes nodes of fixed shapes only."
    )
    source = (
        f"{sources.APPLE_RULES}; Apple Developer Forums, thread 724930 "
        "(https://developer.apple.com/forums/thread/724930); apple/coremltools#1764; "
        f"{sources.ORT_CHECKER}"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph, where an engine that minds is to run it."""
        engine = NEURAL_ENGINE if is_core_ml(target) else BY_PLACEMENT.get(shaped_for(target) or "")
        if engine is None:
            return
        for graph in target.graphs:
            count = _open(graph)
            if count:
                yield Finding(
                    "problem",
                    engine,
                    f"{plural(count, 'operator')} with results of no fixed shape; fix the batch "
                    "and the image size, and use no operator whose shape depends on values",
                    graph.name,
                )


def _open(graph: GraphView) -> int:
    """Operators with an output of which an axis is not fixed."""
    return sum(
        any(tensor.shape is not None and None in tensor.shape for tensor in op.outputs)
        for op in graph.ops or ()
    )


PART = Shapes()
