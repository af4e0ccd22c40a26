"""Rewrite `ceilings`: rounding up as rounding down of the negative."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, source_of

_ATEN = torch.ops.aten


@rewrite("ceilings", need="no-ceil", order=310, replaces=("ceil", "Ceil"))
def ceilings(graph: AtenGraph) -> int:
    """Rounding up as rounding down of the negative, for engines that only round down.

    Before::

        x -> ceil -> y

    After::

        x -> mul(-1) -> floor -> mul(-1) -> y
    """
    changed = 0
    for node in graph.find(_ATEN.ceil.default):
        build = graph.before(node)
        down = build(_ATEN.floor.default, build(_ATEN.mul.Tensor, source_of(node), -1.0))
        graph.replace(node, build(_ATEN.mul.Tensor, down, -1.0))
        changed += 1
    return changed


PART = ceilings
