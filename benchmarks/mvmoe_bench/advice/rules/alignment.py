"""Tensors whose last axis does not fill the Neural Engine's rows: 50 tokens take room for 64."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import GraphView, Severity
from mvmoe_bench.advice.engine_rule import EngineRule, graphs_on_neural_engine
from mvmoe_export.sources import APPLE_RULES, APPLE_TRANSFORMERS

_ROW = 32
"""Elements of fp16 in 64 bytes."""

_WORTH_SAYING, _MUCH = 0.1, 1.0
"""Padding as a share of what the results hold: from where it is said, and from where warned."""

_MOST_NAMED = 3


def _say(graph: GraphView) -> Iterator[tuple[Severity, str]]:
    """What a graph pays for padding."""
    held, padding = _padding(graph)
    share = padding.total() / held if held else 0
    if share >= _WORTH_SAYING:
        lengths = ", ".join(str(last) for last, _ in padding.most_common(_MOST_NAMED))
        yield (
            "warning" if share > _MUCH else "info",
            f"Padding adds about {share:.0%} to the memory of its intermediate results, most of "
            f"it where the last axis has {lengths}; choose widths and numbers of tokens that are "
            f"multiples of {_ROW}",
        )


def _padding(graph: GraphView) -> tuple[int, Counter[int]]:
    """Elements of all results, and those that pad them by the length of the last axis."""
    held, padding = 0, Counter[int]()
    for tensor in graph.results:
        last = tensor.shape[-1] if tensor.shape else None
        if tensor.elements and last and tensor.is_float:
            held += tensor.elements
            if last % _ROW:
                padding[last] += tensor.elements // last * (-last % _ROW)
    return held, padding


PART = EngineRule(
    name="alignment",
    looks_at=f"results whose last axis is no multiple of {_ROW}",
    says="what padding adds to their memory",
    gravity=f"from {_WORTH_SAYING:.0%}: `info`; more than doubled: `warning`",
    reason="The Neural Engine stores the last axis in rows of 64 bytes, 32 numbers of fp16; what "
    "does not fill its last row is padded, a last axis of 1 to 32 times its size.",
    sources=(APPLE_RULES, APPLE_TRANSFORMERS),
    check=graphs_on_neural_engine(_say),
)
