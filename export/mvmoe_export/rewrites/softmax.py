"""Rewrite `softmax`: along the last axis."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, arguments, axis_of, shape

_ATEN = torch.ops.aten


@rewrite("softmax", need="no-reductions", order=210, error=1e-6, replaces=("_softmax", "Softmax"))
def softmax(graph: AtenGraph) -> int:
    """Softmax along the last axis, the only one that engines take.

    Before::

        x [B, N, D] -> softmax(axis 1) -> y

    After::

        x -> permute(0, 2, 1) -> softmax(axis -1) -> permute(0, 2, 1) -> y

    Error: the numbers are added in another order.
    """
    changed = 0
    for node in graph.find(_ATEN.softmax.int):
        source, axis, *rest = arguments(node)
        rank = len(shape(source))
        axis = axis_of(axis, rank)
        if axis >= rank - 1:
            continue
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        build = graph.before(node)
        turned = build(_ATEN.permute.default, source, order)
        shares = build(_ATEN.softmax.int, turned, -1, *rest, **node.kwargs)
        graph.replace(node, build(_ATEN.permute.default, shares, order))
        changed += 1
    return changed


PART = softmax
