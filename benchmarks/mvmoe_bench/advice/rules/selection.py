"""Choosing an expert or a class inside a graph of fp16."""

from collections.abc import Iterable

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml

_ARGMAX = ("reduce_argmax", "reduce_argmin")


class Selection:
    """An argmax that the Neural Engine takes, and that was seen to answer wrongly there."""

    name = "selection"
    reason = (
        "An argmax of fp16 values gave other classes on an iPhone's Neural Engine than on its CPU, "
        "without an error."
    )
    source = "apple/coreai-torch#116 (https://github.com/apple/coreai-torch/issues/116)"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph that selects in fp16."""
        if not is_core_ml(target):
            return
        for graph in target.graphs:
            found = [
                op
                for op in graph.ops or ()
                if op.type in _ARGMAX and any(tensor.dtype == "float16" for tensor in op.inputs)
            ]
            if found:
                yield Finding(
                    "warning",
                    NEURAL_ENGINE,
                    f"{len(found)} argmax of fp16 values in the graph may choose wrongly; give the "
                    "values out, and choose on the host in fp32",
                    graph.name,
                )


PART = Selection()
