"""Rewrite `gathered-weights`: what is done to a weight after it was gathered is done before."""

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    argument,
    arguments,
    axis_of,
    elements,
    is_weight,
    shape,
    source_of,
)

_ATEN = torch.ops.aten


@rewrite("gathered-weights", need="constant-linears", order=295)
def gathered_weights(graph: AtenGraph) -> int:
    """A weight that is taken out of a stack by an index is turned and cut in the stack.

    Before::

        stack [E, H, D] -> index_select(0, i) -> reshape [H, D] -> permute(1, 0) | slice -> w

    After::

        stack -> permute(0, 2, 1) | slice -> index_select(0, i) -> reshape -> w

    A reshape goes the same way where it gives what an entry of another stack would be. What is done
    to the stack is made of weights alone: it is made once, at export, and not for every image.
    """
    changed = 0
    for node in graph.find(_ATEN.permute.default, _ATEN.slice.Tensor, _ATEN.reshape.default):
        gathered = source_of(node)
        while gathered.target == _ATEN.reshape.default:
            gathered = source_of(gathered)
        if _takes_one(gathered) and (node.target != _ATEN.reshape.default or _is_entry(node)):
            _move(graph, node, gathered)
            changed += 1
    return changed


def _takes_one(node: fx.Node) -> bool:
    """Whether a node takes one entry out of a stack of weights."""
    if node.target != _ATEN.index_select.default:
        return False
    stack, axis, index = arguments(node)
    return axis_of(axis, len(shape(stack))) == 0 and elements(index) == 1 and is_weight(stack)


def _is_entry(node: fx.Node) -> bool:
    """Whether a node gives what an entry of some stack would be: one along the first axis."""
    return shape(node)[:1] == [1]


def _move(graph: AtenGraph, node: fx.Node, gathered: fx.Node) -> None:
    """Do what `node` does to each entry of the stack, and then take the entry."""
    build, (stack, _, index) = graph.before(node), arguments(gathered)
    count, sizes = shape(stack)[0], shape(source_of(node))
    stack = build(_ATEN.reshape.default, stack, [count, *sizes])
    if node.target == _ATEN.permute.default:
        order = [axis_of(axis, len(sizes)) + 1 for axis in arguments(node)[1]]
        stack = build(_ATEN.permute.default, stack, [0, *order])
    elif node.target == _ATEN.slice.Tensor:
        axis = axis_of(argument(node, 1, "dim", 0), len(sizes)) + 1
        start, end, step = (
            argument(node, place, name, default)
            for place, name, default in ((2, "start", None), (3, "end", None), (4, "step", 1))
        )
        stack = build(_ATEN.slice.Tensor, stack, axis, start, end, step)
    if _is_entry(node):
        stack = build(_ATEN.reshape.default, stack, [count, *shape(node)[1:]])
        graph.replace(node, build(_ATEN.index_select.default, stack, 0, index))
    else:
        taken = build(_ATEN.index_select.default, stack, 0, index)
        graph.replace(node, build(_ATEN.reshape.default, taken, shape(node)))


PART = gathered_weights
