"""Rewrite `views`: one way to say a change of shape, and nothing that does nothing."""

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    argument,
    arguments,
    axis_of,
    shape,
    source_of,
    value,
)

_ATEN = torch.ops.aten
_SHAPES = (
    _ATEN.reshape.default,
    _ATEN.flatten.using_ints,
    _ATEN.unflatten.int,
    _ATEN.squeeze.default,
    _ATEN.squeeze.dim,
    _ATEN.squeeze.dims,
    _ATEN.unsqueeze.default,
)
_COPIES = (
    _ATEN.clone.default,
    _ATEN.contiguous.default,
    _ATEN.alias.default,
    _ATEN.detach.default,
    _ATEN.dropout.default,
    _ATEN.expand.default,
    _ATEN._to_copy.default,
    _ATEN.slice.Tensor,
)
_TURNS = (_ATEN.transpose.int, _ATEN.t.default, _ATEN.permute.default)


@rewrite(
    "views",
    need="one-partition",
    order=(0, 490),
    replaces=("clone", "alias_copy", "squeeze_copy", "unsqueeze_copy"),
)
def views(graph: AtenGraph) -> int:
    """One way to say a change of shape, and nothing that does nothing.

    Before::

        squeeze | unsqueeze | flatten | view        transpose        clone | dropout | full slice
                         |                              |                       |
                       view                          permute                    y

    After::

        reshape                                      permute                    y

    Chains of reshapes become one, chains of permutes too; those that change nothing go.
    """
    changed = 0
    # A permute that became a reshape may be part of a chain of reshapes: until nothing is found.
    while found := _once(graph):
        changed += found
    return changed


def _once(graph: AtenGraph) -> int:
    """Go over all nodes once."""
    changed = 0
    for node in list(graph.module.graph.nodes):
        if node.op == "call_function" and not node._erased:
            changed += _copy(graph, node) or _shape(graph, node) or _turn(graph, node)
    return changed


def _copy(graph: AtenGraph, node: fx.Node) -> bool:
    """Drop a node whose value is that of its input."""
    if node.target not in _COPIES:
        return False
    source = source_of(node)
    if not isinstance(source, fx.Node) or value(source).dtype != value(node).dtype:
        return False
    if shape(source) != shape(node):
        return False
    if node.target == _ATEN.dropout.default and argument(node, 2, "train", False):
        return False
    if node.target == _ATEN.slice.Tensor and argument(node, 4, "step", 1) != 1:
        return False
    graph.replace(node, source)
    return True


def _shape(graph: AtenGraph, node: fx.Node) -> bool:
    """Say a change of shape as one reshape from where the data comes."""
    if node.target not in _SHAPES:
        return False
    source, target = source_of(node), shape(node)
    chained = source.target == _ATEN.reshape.default
    if chained:
        source = source_of(source)
    if shape(source) == target:
        graph.replace(node, source)
        return True
    if node.target == _ATEN.reshape.default and not chained and list(arguments(node)[1]) == target:
        return False
    graph.replace(node, graph.before(node)(_ATEN.reshape.default, source, target))
    return True


def _turn(graph: AtenGraph, node: fx.Node) -> bool:
    """Say a turn of axes as one permute; one that only moves axes of size 1 is a reshape."""
    if node.target not in _TURNS:
        return False
    source, order = source_of(node), order_of(node)
    chained = source.target == _ATEN.permute.default
    if chained:
        order = [order_of(source)[axis] for axis in order]
        source = source_of(source)
    moved = [axis for axis in order if shape(source)[axis] != 1]
    if moved == sorted(moved):
        graph.replace(node, graph.before(node)(_ATEN.reshape.default, source, shape(node)))
        return True
    if node.target == _ATEN.permute.default and not chained and list(arguments(node)[1]) == order:
        return False
    graph.replace(node, graph.before(node)(_ATEN.permute.default, source, order))
    return True


def order_of(node: fx.Node) -> list[int]:
    """The order of axes that a transposing node gives, counted from the front."""
    rank = len(shape(node))
    if node.target == _ATEN.permute.default:
        return [axis_of(axis, rank) for axis in arguments(node)[1]]
    order = list(range(rank))
    if node.target == _ATEN.t.default:
        return order[::-1]
    one, other = (axis_of(axis, rank) for axis in arguments(node)[1:3])
    order[one], order[other] = order[other], order[one]
    return order


PART = views
