"""Rewrite `expands`: repeating by multiplication."""

import numpy as np
import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, arguments, is_weight, shape, source_of, value

_ATEN = torch.ops.aten
_BROADCASTING = (_ATEN.add.Tensor, _ATEN.sub.Tensor, _ATEN.mul.Tensor, _ATEN.div.Tensor)


@rewrite(
    "expands", need="no-reductions", order=270, replaces=("expand_copy", "repeat", "Expand", "Tile")
)
def expands(graph: AtenGraph) -> int:
    """Repeating by multiplication with ones, where the reader does not repeat by itself.

    Before::

        x [B, 1, D] -> expand [B, N, D] -> mul(., z) -> y          x -> expand [B, N, D] -> bmm

    After::

        x -> mul(., z) -> y                                    x -> mul(., ones [1, N, 1]) -> bmm

    Engines have broadcasting in their arithmetic, but no expand. One of weights is made at export
    and stays as it is.
    """
    changed = 0
    for node in graph.find(_ATEN.expand.default):
        if is_weight(node) or not value(node).is_floating_point():
            continue
        for reader in list(node.users):
            if _repeats(reader, node):
                reader.replace_input_with(node, source_of(node))
        if node.users:
            graph.replace(node, _product(graph, node))
        else:
            graph.erase(node)
        changed += 1
    return changed


def _repeats(reader: fx.Node, node: fx.Node) -> bool:
    """Whether a reader gives the same on what is expanded by `node` as on its source."""
    if reader.target not in _BROADCASTING:
        return False
    operands = [source_of(node) if arg is node else arg for arg in arguments(reader)]
    sizes = [shape(operand) for operand in operands if isinstance(operand, fx.Node)]
    return list(np.broadcast_shapes(*map(tuple, sizes))) == shape(reader)


def _product(graph: AtenGraph, node: fx.Node) -> fx.Node:
    """The source of an expand times ones along the expanded axes."""
    build, source, target = graph.before(node), source_of(node), shape(node)
    before = [1] * (len(target) - len(shape(source))) + shape(source)
    sizes = [new if new != old else 1 for old, new in zip(before, target, strict=True)]
    name = "ones_" + "x".join(map(str, sizes))
    ones = build.constant(name, torch.ones(sizes, dtype=value(node).dtype))
    return build(_ATEN.mul.Tensor, source, ones)


PART = expands
