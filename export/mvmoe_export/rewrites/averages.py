"""Rewrite `averages`: means, sums and variances as matmuls."""

import math

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    axis_of,
    shape,
    source_of,
    value,
)

_ATEN = torch.ops.aten
_MEANS = (_ATEN.mean.dim, _ATEN.mean.default)
_SUMS = (_ATEN.sum.dim_IntList, _ATEN.sum.default)
_SPREADS = (_ATEN.var.correction, _ATEN.std.correction)


@rewrite(
    "averages",
    need="no-reductions",
    order=250,
    error=1e-5,
    replaces=("mean", "sum", "var", "ReduceMean", "ReduceSum", "ReduceSumSquare"),
)
def averages(graph: AtenGraph) -> int:
    """Means, sums and variances as matmuls with a constant column.

    Before::

        x [B, N, D] -> mean(axis 1) -> y [B, D]

    After::

        x -> permute(0, 2, 1) -> linear(., 1/N) -> reshape -> y

    A sum has a column of 1. A variance is the mean of the squared distances from the mean. Error:
    the numbers are added in another order.
    """
    changed = 0
    for node in graph.find(*_MEANS, *_SUMS, *_SPREADS):
        if _is_plain(node):
            result = _spread(graph, node) if node.target in _SPREADS else _total(graph, node)
            graph.replace(node, result)
            changed += 1
    return changed


def _is_plain(node: fx.Node) -> bool:
    """Whether floating-point numbers are added in their own type."""
    source, result = value(source_of(node)), value(node)
    return source.is_floating_point() and source.dtype == result.dtype and source.numel() > 0


def _axes(node: fx.Node) -> list[int]:
    """The axes that a reduction takes together, all if none is named."""
    rank = len(shape(source_of(node)))
    given = argument(node, 1, "dim")
    # `sum.default` has its type where others have their axes.
    named = given if isinstance(given, list | tuple) else []
    return sorted({axis_of(axis, rank) for axis in named} or range(rank))


def _total(graph: AtenGraph, node: fx.Node) -> fx.Node:
    """A mean or sum over any axes."""
    build, axes = graph.before(node), _axes(node)
    flat = _last(build, source_of(node), axes)
    weight = 1 / shape(flat)[-1] if node.target in _MEANS else 1.0
    return build(_ATEN.reshape.default, _weighted(build, flat, weight), shape(node))


def _spread(graph: AtenGraph, node: fx.Node) -> fx.Node:
    """A variance or standard deviation over any axes."""
    build, axes = graph.before(node), _axes(node)
    flat = _last(build, source_of(node), axes)
    correction = argument(node, 2, "correction")
    freedom = shape(flat)[-1] - (1 if correction is None else correction)
    centred = build(_ATEN.sub.Tensor, flat, average(build, flat))
    squares = build(_ATEN.mul.Tensor, centred, centred)
    result = _weighted(build, squares, 1 / freedom if freedom > 0 else math.inf)
    if node.target == _ATEN.std.correction:
        result = build(_ATEN.sqrt.default, result)
    return build(_ATEN.reshape.default, result, shape(node))


def _last(build: Builder, source: fx.Node, gone: list[int]) -> fx.Node:
    """The axes `gone` as one, behind all others."""
    sizes = shape(source)
    kept = [axis for axis in range(len(sizes)) if axis not in gone]
    order = [*kept, *gone]
    if order != sorted(order):
        source = build(_ATEN.permute.default, source, order)
    if len(gone) == 1:
        return source
    count = math.prod(sizes[axis] for axis in gone)
    return build(_ATEN.reshape.default, source, [*(sizes[axis] for axis in kept), count])


def average(build: Builder, source: fx.Node) -> fx.Node:
    """The mean over the last axis `[..., n]` as a matmul that gives `[..., 1]`."""
    return _weighted(build, source, 1 / shape(source)[-1])


def _weighted(build: Builder, source: fx.Node, weight: float) -> fx.Node:
    """The sum over the last axis `[..., n]`, each number times `weight`: `[..., 1]`."""
    count = shape(source)[-1]
    name = f"one_of_{count}" if weight * count == 1 else f"{count}_times"
    row = torch.full((1, count), weight, dtype=value(source).dtype)
    return build(_ATEN.linear.default, source, build.constant(f"row_{name}", row))


PART = averages
