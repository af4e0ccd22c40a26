"""Rewrite `minimums`: the lower of two tensors as the higher of their negatives."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, arguments

_ATEN = torch.ops.aten


@rewrite("minimums", need="no-minimum", order=310, replaces=("minimum", "Min"))
def minimums(graph: AtenGraph) -> int:
    """The lower of two tensors as the higher of their negatives, for engines without a minimum.

    Before::

        x, z -> minimum -> y

    After::

        x -> mul(-1) | z -> mul(-1) -> maximum -> mul(-1) -> y
    """
    changed = 0
    for node in graph.find(_ATEN.minimum.default):
        build = graph.before(node)
        negatives = (build(_ATEN.mul.Tensor, source, -1.0) for source in arguments(node))
        higher = build(_ATEN.maximum.default, *negatives)
        graph.replace(node, build(_ATEN.mul.Tensor, higher, -1.0))
        changed += 1
    return changed


PART = minimums
