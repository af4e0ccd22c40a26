"""Rewrite `flat-rows`: chosen rows stay rows of a matrix on their way through their expert."""

import math
import operator

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    ELEMENTWISE,
    AtenGraph,
    argument,
    arguments,
    axis_of,
    shape,
    source_of,
    value,
)
from mvmoe_export.rewrites.selections import CHOOSING
from mvmoe_export.rewrites.views import views

_ATEN = torch.ops.aten
_CHOSEN = (_ATEN.index_select.default, _ATEN.index_put.default)
_SPLITS = (_ATEN.split_with_sizes.default, _ATEN.split.Tensor)


@rewrite(
    "flat-rows",
    need="rows-of-tokens",
    order=480,
    only_with=CHOOSING,
)
def flat_rows(graph: AtenGraph) -> int:
    """Linear layers and activations of chosen rows on two axes; where rows are chosen alone.

    Before::

        x -> index_select(0, i) [C, D] -> reshape [1, C, D] -> linear -> gelu -> y [1, C, H]

    After::

        x -> index_select(0, i) [C, D] -> linear -> gelu [C, H] -> reshape [1, C, H] -> y

    A split of the rows and their concatenation too. ONNX Runtime has its fast product of matrices
    for two axes, and puts two reshapes around every layer of three: with small experts these are a
    tenth of the time. The layers' arithmetic is the same.
    """
    if not any(map(_is_chosen, graph.module.graph.nodes)):
        return 0
    changed = views.apply(graph)
    while found := _once(graph):
        changed += found + views.apply(graph)
    return changed


def _is_chosen(node: fx.Node) -> bool:
    """Whether a node takes rows of a matrix at places that the graph computes."""
    return node.target in _CHOSEN and len(shape(node)) == 2


def _once(graph: AtenGraph) -> int:
    """Go over all nodes once."""
    changed = 0
    for node in list(graph.module.graph.nodes):
        if node.op == "call_function" and not node._erased:
            changed += _linear(graph, node) or _function(graph, node)
        if node.op == "call_function" and not node._erased:
            changed += _split(graph, node) or _slice(graph, node) or _cat(graph, node)
    return changed


def _linear(graph: AtenGraph, node: fx.Node) -> bool:
    """A layer whose input is reshaped anyway, on two axes."""
    if node.target != _ATEN.linear.default or len(shape(node)) == 2:
        return False
    source, *weights = arguments(node)
    if source.target != _ATEN.reshape.default:
        return False
    build, (*lead, width) = graph.before(node), shape(source)
    flat = build(_ATEN.reshape.default, source, [math.prod(lead), width])
    result = build(_ATEN.linear.default, flat, *weights, **node.kwargs)
    graph.replace(node, build(_ATEN.reshape.default, result, shape(node)))
    return True


def _function(graph: AtenGraph, node: fx.Node) -> bool:
    """What is done to each number, before the reshape that it was done behind."""
    if node.target not in ELEMENTWISE or source_of(node).target != _ATEN.reshape.default:
        return False
    build, reshape = graph.before(node), source_of(node)
    result = build(node.target, source_of(reshape), *node.args[1:], **node.kwargs)
    graph.replace(node, build(_ATEN.reshape.default, result, shape(node)))
    return True


def _split(graph: AtenGraph, node: fx.Node) -> bool:
    """A split of rows before the reshape that gave them an axis of one."""
    if node.target not in _SPLITS or not _has_unit(source_of(node)):
        return False
    axis = axis_of(argument(node, 2, "dim", 0), len(shape(source_of(node))))
    if axis in (0, len(shape(source_of(node))) - 1):
        return False
    build = graph.before(node)
    parts = build(node.target, source_of(source_of(node)), arguments(node)[1], axis - 1)
    for user in list(node.users):
        part = graph.before(user)(operator.getitem, parts, user.args[1])
        graph.replace(user, graph.before(user)(_ATEN.reshape.default, part, shape(user)))
    return True


def _slice(graph: AtenGraph, node: fx.Node) -> bool:
    """A slice of rows likewise."""
    if node.target != _ATEN.slice.Tensor or not _has_unit(source_of(node)):
        return False
    axis = axis_of(argument(node, 1, "dim", 0), len(shape(node)))
    if axis in (0, len(shape(node)) - 1):
        return False
    build, ends = graph.before(node), node.args[2:]
    part = build(_ATEN.slice.Tensor, source_of(source_of(node)), axis - 1, *ends, **node.kwargs)
    graph.replace(node, build(_ATEN.reshape.default, part, shape(node)))
    return True


def _cat(graph: AtenGraph, node: fx.Node) -> bool:
    """A concatenation of rows before the reshapes that gave each an axis of one."""
    if node.target != _ATEN.cat.default or not all(map(_has_unit, arguments(node)[0])):
        return False
    axis = axis_of(argument(node, 1, "dim", 0), len(shape(node)))
    if axis == 0:
        return False
    build = graph.before(node)
    result = build(_ATEN.cat.default, [source_of(part) for part in arguments(node)[0]], axis - 1)
    graph.replace(node, build(_ATEN.reshape.default, result, shape(node)))
    return True


def _has_unit(node: fx.Node) -> bool:
    """Whether a node is a reshape that puts an axis of one before all others."""
    return (
        node.target == _ATEN.reshape.default
        and isinstance(value(source_of(node)), torch.Tensor)
        and shape(node) == [1, *shape(source_of(node))]
    )


PART = flat_rows
