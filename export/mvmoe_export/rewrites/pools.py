"""Rewrite `pools`: average pooling without padding of its own."""

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, source_of

_ATEN = torch.ops.aten


@rewrite(
    "pools",
    need="no-reductions",
    order=280,
    replaces=("avg_pool2d", "_adaptive_avg_pool2d", "AveragePool"),
)
def pools(graph: AtenGraph) -> int:
    """Average pooling without padding of its own.

    Before::

        x -> avg_pool2d(kernel, stride, padding, count_include_pad=True) -> y

    After::

        x -> pad(0) -> avg_pool2d(kernel, stride, count_include_pad=False) -> y

    Engines count only what is inside the image; zeros that were padded before are inside.
    """
    changed = 0
    for node in graph.find(_ATEN.avg_pool2d.default):
        if argument(node, 5, "count_include_pad", True) and not argument(node, 4, "ceil_mode"):
            _padded(graph, node)
            changed += 1
    return changed


def _padded(graph: AtenGraph, node: fx.Node) -> None:
    """Pad before one pool."""
    build, source, kernel = graph.before(node), source_of(node), _pair(arguments(node)[1])
    stride = _pair(argument(node, 2, "stride") or kernel)
    high, wide = _pair(argument(node, 3, "padding") or 0)
    if high or wide:
        source = build(_ATEN.constant_pad_nd.default, source, [wide, wide, high, high], 0.0)
    divisor = argument(node, 6, "divisor_override")
    rest = [0, 0], False, False, *([] if divisor is None else [divisor])
    graph.replace(node, build(_ATEN.avg_pool2d.default, source, kernel, stride, *rest))


def _pair(given: int | list[int]) -> list[int]:
    """A size for both directions as two."""
    sizes = [given] if isinstance(given, int) else list(given)
    return sizes * 2 if len(sizes) == 1 else sizes


PART = pools
