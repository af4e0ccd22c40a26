"""Tensors whose last axis does not fill the Neural Engine's rows."""

from collections import Counter
from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, TargetView
from mvmoe_bench.advice.readers.contract import size
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml

_ROW = 32
"""Elements of fp16 in 64 bytes."""

_WORTH_SAYING, _MUCH = 0.1, 1.0
"""Padding as a share of what the results hold: from where it is said, and from where warned."""

_MOST_NAMED = 3


class Alignment:
    """The last axis is padded to 64 bytes: 50 tokens take the room of 64."""

    name = "alignment"
    reason = (
        "The Neural Engine stores the last axis in rows of 64 bytes, 32 numbers of fp16; what does "
        "not fill its last row is padded, a last axis of 1 to 32 times its size."
    )
    source = f"{sources.APPLE_RULES}; {sources.APPLE_TRANSFORMERS}"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph that pays for padding."""
        if not is_core_ml(target):
            return
        for graph in target.graphs:
            held, padding = _padding(graph)
            share = padding.total() / held if held else 0
            if share < _WORTH_SAYING:
                continue
            lengths = ", ".join(str(last) for last, _ in padding.most_common(_MOST_NAMED))
            yield Finding(
                "warning" if share > _MUCH else "info",
                NEURAL_ENGINE,
                f"Padding adds about {share:.0%} to the memory of its intermediate results, most "
                f"of it where the last axis has {lengths}; choose widths and numbers of tokens "
                f"that are multiples of {_ROW}",
                graph.name,
            )


def _padding(graph: GraphView) -> tuple[int, Counter[int]]:
    """Elements of all results, and those that pad them by the length of the last axis."""
    held, padding = 0, Counter[int]()
    for op in graph.ops or ():
        for tensor in op.outputs:
            elements = size(tensor.shape)
            last = tensor.shape[-1] if tensor.shape else None
            if elements and last and tensor.is_float:
                held += elements
                if last % _ROW:
                    padding[last] += elements // last * (-last % _ROW)
    return held, padding


PART = Alignment()
