"""Rewrite `projections`: a linear layer that is only cut into parts becomes a layer for each."""

import itertools
from dataclasses import dataclass

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, axis_of, shape, source_of

_ATEN = torch.ops.aten
_MOST_PARTS = 4
"""q, k and v are three; a layer cut into many slices is better left whole."""


@rewrite("projections", need="one-partition", order=120)
def projections(graph: AtenGraph) -> int:
    """A linear layer that is only cut into parts becomes a layer for each part.

    Before::

        x -> linear(W [3D, D]) -> reshape [B, N, 3, H, d] -> permute(2, 0, 3, 1, 4)
          -> slice(axis 0, i) -> reshape -> q | k | v [B, H, N, d]

    After::

        x -> linear(W_i [D, D]) -> reshape [B, N, H, d] -> permute -> reshape -> q | k | v

    Any reshapes and permutes between layer and slices will do, interleaved heads too. `W_i` is a
    slice of W, made once at export. The parts' copies go, and the tensor of five axes.
    """
    changed = 0
    for node in graph.find(_ATEN.linear.default):
        lead = len(shape(node)) - 1
        start = _Value(node, tuple(_Axis("lead", axis) for axis in range(lead)), _whole(node))
        cuts = _cuts(start)
        if cuts and len(cuts) <= _MOST_PARTS and _distinct(cuts):
            for cut in cuts:
                _separate(graph, node, cut)
            changed += 1
    return changed


@dataclass(frozen=True)
class _Axis:
    """Where an axis comes from: a leading axis of the layer, a part of its features, or nothing."""

    kind: str
    index: int = 0


_UNIT = _Axis("unit")


@dataclass(frozen=True)
class _Value:
    """A value that holds the layer's output in another shape."""

    node: fx.Node
    axes: tuple[_Axis, ...]
    features: tuple[int, ...]
    """The sizes that the layer's features were cut into, in their order of memory."""


@dataclass(frozen=True)
class _Cut:
    """A slice along one part of the features."""

    value: _Value
    node: fx.Node
    part: int
    start: int
    end: int


def _whole(node: fx.Node) -> tuple[int, ...]:
    return (shape(node)[-1],)


def _cuts(value: _Value) -> list[_Cut] | None:
    """The slices that a value ends in; None if something else reads it."""
    axes = value.axes
    if len(axes) < len(shape(value.node)):
        axes = (*axes, _Axis("features"))
        value = _Value(value.node, axes, value.features)
    cuts = []
    for user in value.node.users:
        if user.target == _ATEN.slice.Tensor:
            cut = _cut(value, user)
            found = None if cut is None else [cut]
        else:
            after = _after(value, user)
            found = None if after is None else _cuts(after)
        if found is None:
            return None
        cuts += found
    return cuts


def _cut(value: _Value, node: fx.Node) -> _Cut | None:
    """A slice along a part of the features."""
    axis = axis_of(argument(node, 1, "dim", 0), len(value.axes))
    size = shape(value.node)[axis]
    start, end = argument(node, 2, "start") or 0, argument(node, 3, "end")
    if value.axes[axis].kind != "features" or argument(node, 4, "step", 1) != 1:
        return None
    start, end = (min(edge + size if edge < 0 else edge, size) for edge in (start, end or size))
    return _Cut(value, node, value.axes[axis].index, start, end)


def _after(value: _Value, node: fx.Node) -> _Value | None:
    """The value after a reshape or permute; None for anything else."""
    if node.target == _ATEN.permute.default:
        order = [axis_of(axis, len(value.axes)) for axis in arguments(node)[1]]
        return _Value(node, tuple(value.axes[axis] for axis in order), value.features)
    if node.target == _ATEN.reshape.default:
        return _reshaped(value, node)
    return None


def _reshaped(value: _Value, node: fx.Node) -> _Value | None:
    """The value after a reshape that keeps axes, splits the features, or adds axes of size 1."""
    left = [
        (axis, size)
        for axis, size in zip(value.axes, shape(value.node), strict=True)
        if size != 1 or axis.kind == "features"
    ]
    target = shape(node)
    axes: list[_Axis] = []
    features = value.features
    for axis, size in left:
        taken = _take(target, len(axes), size)
        if taken is None:
            return None
        axes += [_UNIT] * (len(target[len(axes) : taken.start]))
        sizes = target[taken.start : taken.stop]
        if len(sizes) > 1:
            if axis.kind != "features" or len(features) > 1:
                return None
            features = tuple(sizes)
            axes += [_Axis("features", part) for part in range(len(sizes))]
        else:
            axes.append(axis)
    axes += [_UNIT] * (len(target) - len(axes))
    return _Value(node, tuple(axes), features)


def _take(target: list[int], start: int, size: int) -> range | None:
    """The next axes of `target` whose sizes multiply to `size`, axes of size 1 before them left."""
    while start < len(target) and target[start] == 1 and size != 1:
        start += 1
    product, stop = 1, start
    while stop < len(target) and (product < size or stop == start):
        product *= target[stop]
        stop += 1
    return range(start, stop) if product == size and stop > start else None


def _distinct(cuts: list[_Cut]) -> bool:
    """Whether the slices are along one part of the features and do not overlap."""
    if len({(cut.part, cut.value.features) for cut in cuts}) > 1:
        return False
    edges = sorted((cut.start, cut.end) for cut in cuts)
    return all(end <= start for (_, end), (start, _) in itertools.pairwise(edges))


def _separate(graph: AtenGraph, layer: fx.Node, cut: _Cut) -> None:
    """Replace a slice by a layer of its own."""
    build = graph.before(cut.node)
    source, weight, bias = source_of(layer), arguments(layer)[1], argument(layer, 2, "bias")
    sizes = list(cut.value.features)
    sizes[cut.part] = cut.end - cut.start

    def part(whole: fx.Node) -> fx.Node:
        """The rows of a weight that make the slice."""
        rest = shape(whole)[1:]
        if len(sizes) > 1:
            whole = build(_ATEN.reshape.default, whole, [*cut.value.features, *rest])
        whole = build(_ATEN.slice.Tensor, whole, cut.part, cut.start, cut.end)
        return build(_ATEN.reshape.default, whole, [-1, *rest]) if len(sizes) > 1 else whole

    result = build(_ATEN.linear.default, source, part(weight), bias and part(bias))
    lead = shape(layer)[:-1]
    result = build(_ATEN.reshape.default, result, [*lead, *sizes])
    places = [axis for axis in cut.value.axes if axis.kind != "unit"]
    order = [axis.index + (len(lead) if axis.kind == "features" else 0) for axis in places]
    # Leading axes of size 1 are not among the places: they stay in front.
    order = [axis for axis in range(len(lead)) if axis not in order] + order
    result = build(_ATEN.permute.default, result, order)
    graph.replace(cut.node, build(_ATEN.reshape.default, result, shape(cut.node)))


PART = projections
