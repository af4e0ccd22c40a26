"""Convolutions whose windows are too wide for the Neural Engine: a ViT's patches."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, Op, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml

_WIDEST = 16
"""In fp16, from the A14 on."""

_WIDEST_A13 = 13
"""In fp16, on the A13 and M1."""


class Kernels:
    """A convolution in fp16 with a wider window than the engine's compiler accepts."""

    name = "kernels"
    reason = (
        "The width of a convolution's window is limited in fp16: 13 on the A13 and M1, 16 from the "
        "A14 on; a wider one runs elsewhere, or is taken apart."
    )
    source = (
        f"{sources.ANE_GUIDE}, chapters 4 and 17; {sources.APPLE_RULES}; "
        "hollance/neural-engine#2 (https://github.com/hollance/neural-engine/issues/2)"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a convolution."""
        if not is_core_ml(target):
            return
        for graph in target.graphs:
            for op in graph.ops or ():
                if op.kernel and op.kernel[-1] > _WIDEST_A13:
                    yield _finding(graph, op)


def _finding(graph: GraphView, op: Op) -> Finding:
    """What is said of one convolution."""
    window = " x ".join(map(str, op.kernel))
    share = f", {op.macs / graph.macs:.0%} of the graph's multiply-adds," if op.macs else ""
    if op.kernel[-1] > _WIDEST:
        text = (
            f"A convolution with a window of {window}{share} is wider than the {_WIDEST} that the "
            "Neural Engine takes, and may run on the CPU or GPU; look at its placement on a Mac, "
            "and if so cut patches by reshaping and project them with a linear layer"
        )
        return Finding("warning", NEURAL_ENGINE, text, graph.name)
    text = (
        f"A convolution with a window of {window}{share} is wider than the {_WIDEST_A13} that the "
        "Neural Engines of the A13 and M1 take; from the A14 on it fits"
    )
    return Finding("info", NEURAL_ENGINE, text, graph.name)


PART = Kernels()
