"""Rewrite `rank`: no tensor has more than four axes."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import fx
from torch.fx.node import map_arg

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    axis_of,
    shape,
    source_of,
)

_ATEN = torch.ops.aten
MOST = 4
"""Axes that NNAPI, XNNPACK's permutes and the Neural Engine take."""


@rewrite("rank", need="one-partition", order=400)
def rank(graph: AtenGraph) -> int:
    """No tensor has more than four axes.

    Before::

        x [B, C, h, p, w, p] -> permute(0, 2, 4, 1, 3, 5) -> reshape [B, hw, Cpp]

    After::

        x -> reshape [a, b, c, d] -> permute(0, 2, 1, 3) -> ... -> reshape [B, hw, Cpp]

    Axes of size 1 and axes that stay neighbours are taken together; what is still too long is done
    as swaps of two neighbouring blocks of axes, each a permute of four. Between, data is carried in
    whatever shape it has: also through arithmetic, slices, cats, softmax and linear layers.
    """
    carriers: dict[fx.Node, fx.Node] = {}
    for node in list(graph.module.graph.nodes):
        if node.op == "call_function" and any(map(_is_high, (node, *node.all_input_nodes))):
            _carry(graph, node, carriers)
    changed = 0
    # Where something could not be carried, what it reads stays, and carriers may have no reader.
    for node, carrier in reversed(carriers.items()):
        graph.erase(node)
        graph.erase(carrier)
        changed += node._erased
    return changed


def _is_high(node: fx.Node) -> bool:
    given = node.meta.get("val")
    return isinstance(given, torch.Tensor) and given.ndim > MOST


def _carry(graph: AtenGraph, node: fx.Node, carriers: dict[fx.Node, fx.Node]) -> None:
    """Do on carriers of few axes what `node` does on many."""
    build = graph.before(node)
    if node.target == _ATEN.reshape.default and not _is_high(node):
        carrier = carriers.get(source_of(node))
        if carrier is not None:
            carriers[node] = build(_ATEN.reshape.default, carrier, shape(node))
            node.replace_all_uses_with(carriers[node])
        return
    carry = _WAYS.get(node.target)
    if carry is None and torch.Tag.pointwise in getattr(node.target, "tags", ()):
        carry = _pointwise
    carrier = carry(build, node, carriers) if carry else None
    if carrier is not None:
        carriers[node] = carrier


_Carriers = dict[fx.Node, fx.Node]


def _shaped(build: Builder, carriers: _Carriers, node: fx.Node, sizes: list[int]) -> fx.Node:
    """The carrier of a node in a shape of few axes."""
    carrier = carriers.get(node, node)
    return carrier if shape(carrier) == sizes else build(_ATEN.reshape.default, carrier, sizes)


def _reshape(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node:
    """A reshape to many axes, or a copy: it is not done."""
    return carriers.get(source_of(node), source_of(node))


def _slice(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node:
    """A slice along one of many axes: the axes before and after it taken together."""
    axis = axis_of(argument(node, 1, "dim", 0), len(shape(node)))
    folded = _shaped(build, carriers, source_of(node), _around(shape(source_of(node)), axis))
    return build(_ATEN.slice.Tensor, folded, 1, *arguments(node)[2:])


def _cat(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node:
    """A cat along one of many axes: the axes before and after it taken together."""
    axis = axis_of(argument(node, 1, "dim", 0), len(shape(node)))
    parts = [
        _shaped(build, carriers, part, _around(shape(part), axis)) for part in arguments(node)[0]
    ]
    return build(_ATEN.cat.default, parts, 1)


def _around(sizes: list[int], axis: int) -> list[int]:
    return [math.prod(sizes[:axis]), sizes[axis], math.prod(sizes[axis + 1 :])]


def _rows(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node | None:
    """An operator on the last axis: all others taken together."""
    source, *rest = arguments(node)
    sizes = shape(source)
    if node.target == _ATEN.softmax.int:
        if axis_of(rest[0], len(sizes)) != len(sizes) - 1:
            return None
        rest[0] = -1
    folded = _shaped(build, carriers, source, [math.prod(sizes[:-1]), sizes[-1]])
    return build(node.target, folded, *rest, **node.kwargs)


def _pointwise(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node | None:
    """Arithmetic: neighbouring axes along which the same operands are repeated taken together."""
    target = shape(node)
    operands = {
        source: [1] * (len(target) - len(shape(source))) + shape(source)
        for source in node.all_input_nodes
    }
    runs: list[list[int]] = []
    last = None
    for axis, size in enumerate(target):
        if size == 1:
            continue
        repeated = [sizes[axis] == 1 for sizes in operands.values()]
        if repeated == last:
            runs[-1].append(axis)
        else:
            runs.append([axis])
        last = repeated
    if len(runs) > MOST:
        return None
    folded = {
        source: _shaped(
            build, carriers, source, [math.prod(sizes[axis] for axis in run) for run in runs]
        )
        for source, sizes in operands.items()
    }
    arguments, options = map_arg((node.args, node.kwargs), folded.__getitem__)
    return build(node.target, *arguments, **options)


def _permute(build: Builder, node: fx.Node, carriers: _Carriers) -> fx.Node:
    """A permute of many axes."""
    source = source_of(node)
    order = [axis_of(axis, len(shape(source))) for axis in arguments(node)[1]]
    return _swaps(build, carriers.get(source, source), *_together(shape(source), order))


def _swaps(build: Builder, carrier: fx.Node, sizes: list[int], order: list[int]) -> fx.Node:
    """A permute as permutes of at most four axes."""
    if len(order) <= MOST:
        carrier = build(_ATEN.reshape.default, carrier, sizes)
        return build(_ATEN.permute.default, carrier, order)
    now = list(range(len(order)))
    for place, axis in enumerate(order):
        found = now.index(axis)
        if found == place:
            continue
        blocks = now[:place], now[place:found], [axis], now[found + 1 :]
        four = [math.prod(sizes[member] for member in block) for block in blocks]
        carrier = build(_ATEN.reshape.default, carrier, four)
        carrier = build(_ATEN.permute.default, carrier, [0, 2, 1, 3])
        now = [*blocks[0], axis, *blocks[1], *blocks[3]]
    return carrier


_WAYS: dict[Any, Callable[[Builder, fx.Node, _Carriers], fx.Node | None]] = {
    _ATEN.reshape.default: _reshape,
    _ATEN.clone.default: _reshape,
    _ATEN.permute.default: _permute,
    _ATEN.slice.Tensor: _slice,
    _ATEN.cat.default: _cat,
    _ATEN.softmax.int: _rows,
    _ATEN.linear.default: _rows,
}


def _together(sizes: list[int], order: list[int]) -> tuple[list[int], list[int]]:
    """Sizes and order with axes of size 1 left out and axes that stay neighbours as one."""
    order = [axis for axis in order if sizes[axis] != 1]
    runs: list[list[int]] = []
    real = sorted(order)
    follows = dict(itertools.pairwise(real))
    for axis in order:
        if runs and follows.get(runs[-1][-1]) == axis:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    ranked = sorted(runs)
    merged = [math.prod(sizes[axis] for axis in run) for run in ranked]
    return merged, [ranked.index(run) for run in runs]


PART = rank
