"""Tensors whose last axis does not fill an accelerator's rows: 50 tokens take room for 64."""

from collections import Counter
from operator import attrgetter

from mvmoe_bench.advice.contract import GraphView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_graphs
from mvmoe_export.accelerator import Accelerator
from mvmoe_export.neural_engine import NEURAL_ENGINE

_WORTH_SAYING, _MUCH = 0.1, 1.0
"""Padding as a share of what the results hold: from where it is said, and from where warned."""

_MOST_NAMED = 3


def _say(graph: GraphView, row: int, unit: Accelerator) -> Said:
    """What a graph pays for padding."""
    held, padding = 0, Counter[int]()
    for tensor in graph.results:
        last = tensor.shape[-1] if tensor.shape else None
        if tensor.elements and last and tensor.is_float:
            held += tensor.elements
            padding[last] += tensor.elements // last * (-last % row)
    share = padding.total() / held if held else 0
    if share >= _WORTH_SAYING:
        wasteful = [str(last) for last, extra in padding.most_common(_MOST_NAMED) if extra]
        yield (
            "warning" if share > _MUCH else "info",
            f"Padding adds about {share:.0%} to the memory of its intermediate results, most of "
            f"it where the last axis has {', '.join(wasteful)}; choose widths and numbers of "
            f"tokens that are multiples of {row}",
        )


PART = accelerator_rule(
    "alignment",
    NEURAL_ENGINE.row,
    of_graphs(attrgetter("row"), _say),
    looks_at="results whose last axis does not fill its rows (32 numbers)",
    says="what padding adds to their memory",
    gravity=f"from {_WORTH_SAYING:.0%}: `info`; more than doubled: `warning`",
)
