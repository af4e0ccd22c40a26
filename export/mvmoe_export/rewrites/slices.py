"""Rewrite `slices`: parts of a tensor are slices."""

import math
import operator

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    argument,
    arguments,
    axis_of,
    elements,
    shape,
    source_of,
)

_ATEN = torch.ops.aten
_SEVERAL = (
    _ATEN.split_with_sizes.default,
    _ATEN.split.Tensor,
    _ATEN.chunk.default,
    _ATEN.unbind.int,
)


@rewrite(
    "slices",
    need="one-partition",
    order=110,
    replaces=(
        "select_copy",
        "split_copy",
        "split_with_sizes_copy",
        "unbind_copy",
        "Gather",
        "Split",
    ),
)
def slices(graph: AtenGraph) -> int:
    """Parts of a tensor are slices, not selects, splits or unbinds.

    Before::

        x -> select(axis, i) -> y            x -> split(sizes, axis) -> getitem(i) -> y

        x [.., 2n, ..] -> slice(axis, i, end, step 2) -> y        x -> roll(n, axis) -> y

    After::

        x -> slice(axis, i, i + 1) -> reshape -> y      x -> slice(axis, start, end) -> y

        x -> reshape [.., n, 2, ..] -> slice(i, i + 1) -> reshape -> y
        y = cat(slice(x, -n, end), slice(x, 0, -n))

    Engines take a select or a roll for a gather with an index, which leaves their fast path; a
    slice is a strided copy.
    """
    changed = 0
    for node in graph.find(_ATEN.select.int):
        source, axis, index = arguments(node)
        axis = axis_of(axis, len(shape(source)))
        _cut(graph, node, source, (axis, index % shape(source)[axis], 1))
        changed += 1
    for node in graph.find(*_SEVERAL):
        changed += _split(graph, node)
    for node in graph.find(_ATEN.slice.Tensor):
        changed += _stride(graph, node)
    for node in graph.find(_ATEN.roll.default):
        changed += _roll(graph, node)
    return changed


def _split(graph: AtenGraph, node: fx.Node) -> bool:
    """Turn the parts of a split that somebody reads into slices."""
    users = list(node.users)
    if any(user.target is not operator.getitem for user in users):
        return False
    source = source_of(node)
    unbound = node.target == _ATEN.unbind.int
    axis = argument(node, 1, "dim", 0) if unbound else argument(node, 2, "dim", 0)
    axis = axis_of(axis, len(shape(source)))
    sizes = [1 if unbound else part.shape[axis] for part in node.meta["val"]]
    for user in users:
        part = arguments(user)[1] % len(sizes)
        _cut(graph, user, source, (axis, sum(sizes[:part]), sizes[part]))
    return True


def _cut(graph: AtenGraph, node: fx.Node, source: fx.Node, part: tuple[int, int, int]) -> None:
    """Replace `node` by `size` entries of `source` from `start` along `axis`."""
    axis, start, size = part
    build, result = graph.before(node), source
    if size != shape(source)[axis]:
        result = build(_ATEN.slice.Tensor, source, axis, start, start + size)
    if shape(result) != shape(node):
        result = build(_ATEN.reshape.default, result, shape(node))
    graph.replace(node, result)


def _stride(graph: AtenGraph, node: fx.Node) -> bool:
    """Take every `step`-th entry as the first of each group of `step`, if groups come out even."""
    source, step = source_of(node), argument(node, 4, "step", 1)
    sizes = shape(source)
    axis = axis_of(argument(node, 1, "dim", 0), len(sizes))
    start = argument(node, 2, "start") or 0
    start += sizes[axis] if start < 0 else 0
    groups = sizes[axis] // step
    if step == 1 or sizes[axis] % step or start >= step or shape(node)[axis] != groups:
        return False
    build = graph.before(node)
    # Before and after the axis everything as one: the result has four axes at most.
    before, after = math.prod(sizes[:axis]), math.prod(sizes[axis + 1 :])
    grouped = build(_ATEN.reshape.default, source, [before, groups, step, after])
    first = build(_ATEN.slice.Tensor, grouped, 2, start, start + 1)
    graph.replace(node, build(_ATEN.reshape.default, first, shape(node)))
    return True


def _roll(graph: AtenGraph, node: fx.Node) -> bool:
    """Put the end of each rolled axis before its beginning."""
    result, shifts, axes = source_of(node), arguments(node)[1], argument(node, 2, "dims") or []
    build = graph.before(node)
    if not axes:
        result = build(_ATEN.reshape.default, result, [elements(node)])
        axes = [0]
    for shift, axis in zip(shifts, axes, strict=True):
        size = shape(result)[axis]
        cut = -shift % size if size else 0
        if cut:
            ends = (cut, size), (0, cut)
            parts = [build(_ATEN.slice.Tensor, result, axis, *end) for end in ends]
            result = build(_ATEN.cat.default, parts, axis)
    if shape(result) != shape(node):
        result = build(_ATEN.reshape.default, result, shape(node))
    graph.replace(node, result)
    return True


PART = slices
