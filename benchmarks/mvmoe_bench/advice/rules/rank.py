"""Tensors with more axes than an engine takes."""

from collections import Counter
from collections.abc import Iterable, Iterator

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, Severity, TargetView
from mvmoe_bench.advice.rules.engines import (
    COREML_EP,
    NEURAL_ENGINE,
    NNAPI,
    ON_COREML_EP,
    ON_NNAPI,
    is_core_ml,
    shaped_for,
)
from mvmoe_bench.advice.rules.wording import counted

_MOST = 4
_LIMIT = 5
"""Core ML's own limit; the rank that NNAPI refuses is the same number."""

_NNAPI = (
    "microsoft/onnxruntime#12979, NNAPI's own check of a tensor's dimensions "
    "(https://github.com/microsoft/onnxruntime/issues/12979)"
)
_COREML = (
    f"apple/coremltools#1723 (https://github.com/apple/coremltools/issues/1723); "
    f"{sources.APPLE_TRANSFORMERS}"
)


class Rank:
    """More than four axes: NNAPI refuses them, the Neural Engine is made for four."""

    name = "rank"
    reason = (
        "NNAPI's operators take at most 4 axes and Core ML's at most 5; the Neural Engine is laid "
        "out for 4, and its linear layers refuse 5."
    )
    source = f"{_NNAPI}; {_COREML}; {sources.ANE_GUIDE}, chapter 17"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph that has such tensors."""
        for graph in target.graphs:
            wide = _wide(graph)
            if wide:
                yield from _findings(target, graph, wide)


def _findings(target: TargetView, graph: GraphView, wide: Counter[str]) -> Iterator[Finding]:
    """What each engine makes of the operators in `wide`."""
    highest = max(_ranks(graph))
    text = (
        f"Tensors of up to {highest} axes at {counted(wide)}; export it with the rewrite rank (a "
        "default, without --rewrites), or fold axes in the model"
    )
    if is_core_ml(target):
        severity: Severity = "problem" if highest > _LIMIT else "warning"
        yield Finding(severity, NEURAL_ENGINE, text, graph.name)
    elif shaped_for(target) == ON_NNAPI:
        yield Finding("problem", NNAPI, text, graph.name, source=_NNAPI)
    elif shaped_for(target) == ON_COREML_EP and highest > _LIMIT:
        yield Finding("problem", COREML_EP, text, graph.name, source=_COREML)


def _wide(graph: GraphView) -> Counter[str]:
    """Operators that read or give a tensor of more than four axes."""
    return Counter(
        op.type
        for op in graph.ops or ()
        if any(tensor.rank > _MOST for tensor in (*op.inputs, *op.outputs))
    )


def _ranks(graph: GraphView) -> Iterator[int]:
    """The ranks of all tensors of a graph."""
    for op in graph.ops or ():
        yield from (tensor.rank for tensor in (*op.inputs, *op.outputs))


PART = Rank()
