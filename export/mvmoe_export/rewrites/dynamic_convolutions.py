"""Rewrite `dynamic-convolutions`: a convolution whose weight is no constant is a few bmm."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, Builder, argument, arguments, shape

_ATEN = torch.ops.aten
_MOST_TAPS = 7
"""The size of a kernel in one direction; a slice and a bmm for each is too much beyond."""


@rewrite(
    "dynamic-convolutions",
    need="constant-convolutions",
    order=291,
    error=1e-5,
    replaces=("convolution", "Conv"),
)
def dynamic_convolutions(graph: AtenGraph) -> int:
    """A convolution whose weight is no constant as a bmm for each row of its kernel.

    Before::

        x [B, C, H, W], w [O, C, kh, kw] -> conv2d(x, w, b, stride, padding, dilation) -> y

    After::

        p = pad(permute(x)) [B, H', W', C]
        p -> cat(slice(columns from j) for j < kw) -> [B, H', ow, kw * C]
          -> sum(bmm(slice(rows from i), w_i [1, kw * C, O]) for i < kh) -> add(b) -> permute -> y

    `w_i` is a permute and slice of the weight alone, made at export, as `gathered-weights` moves it
    there where experts are gathered. Kernels as wide or high as their stride need no slices. Groups
    and kernels of more than 7 stay as they are. A bias that is no constant, of a weight that is
    one, is added after the convolution. Error: another order of summation.
    """
    changed = 0
    for node in graph.find(_ATEN.conv2d.default, _ATEN.convolution.default):
        layer = _Layer.of(node)
        if layer is None:
            continue
        if graph.is_dynamic(layer.weight):
            if not layer.can_be_products:
                continue
            _as_products(graph, node, layer)
        elif layer.bias is not None and graph.is_dynamic(layer.bias):
            _bias_after(graph, node, layer.bias)
        else:
            continue
        changed += 1
    return changed


@dataclass(frozen=True)
class _Layer:
    """What a convolution over two axes is asked for; pairs are of height and width."""

    source: fx.Node
    weight: fx.Node
    bias: fx.Node | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @classmethod
    def of(cls, node: fx.Node) -> Self | None:
        """The layer that a node calls; None for one over another number of axes, or transposed."""
        if len(shape(arguments(node)[1])) != 4:
            return None
        general = node.target == _ATEN.convolution.default
        if general and argument(node, 6, "transposed"):
            return None
        groups = argument(node, 8, "groups") if general else argument(node, 6, "groups", 1)
        source, weight = arguments(node)[:2]
        return cls(
            source,
            weight,
            argument(node, 2, "bias"),
            _pair(argument(node, 3, "stride", 1)),
            _pair(argument(node, 4, "padding", 0)),
            _pair(argument(node, 5, "dilation", 1)),
            groups,
        )

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        high, wide = shape(self.weight)[2:]
        return high, wide

    @property
    def can_be_products(self) -> bool:
        """See `becomes_products`."""
        return becomes_products(self.kernel, self.stride, self.dilation, self.groups)

    def is_tiled(self, axis: int) -> bool:
        """See `_is_tiled`."""
        return _is_tiled(self.kernel[axis], self.stride[axis], self.dilation[axis])


def becomes_products(
    kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], groups: int
) -> bool:
    """Whether a convolution has no groups, and a kernel `[H, W]` of which few slices are taken."""
    return groups == 1 and all(
        size <= _MOST_TAPS or _is_tiled(size, step, spread)
        for size, step, spread in zip(kernel, stride, dilation, strict=True)
    )


def _is_tiled(kernel: int, stride: int, dilation: int) -> bool:
    """Whether what the kernel covers lies side by side along an axis."""
    return stride == kernel and dilation == 1


def _pair(given: int | list[int]) -> tuple[int, int]:
    """A size for both directions as two."""
    sizes = [given] if isinstance(given, int) else list(given)
    high, wide = sizes * 2 if len(sizes) == 1 else sizes
    return high, wide


def _bias_after(graph: AtenGraph, node: fx.Node, bias: fx.Node) -> None:
    """Leave a convolution its weight, and add the bias to what it gives."""
    build, given = graph.before(node), list(arguments(node))
    given[2] = None
    column = build(_ATEN.reshape.default, bias, [-1, 1, 1])
    conv = build(node.target, *given, **node.kwargs)
    graph.replace(node, build(_ATEN.add.Tensor, conv, column))


def _as_products(graph: AtenGraph, node: fx.Node, layer: _Layer) -> None:
    """Replace one convolution."""
    build, sizes = graph.before(node), shape(node)
    channels, high, wide = sizes[-3:]
    batch = math.prod(sizes[:-3])
    covered = _columns(build, _padded(build, layer, batch, (high, wide)), layer, wide)
    total = None
    for rows, weight in zip(
        _rows(build, covered, layer, high), _weights(build, layer), strict=True
    ):
        flat = build(_ATEN.reshape.default, rows, [1, batch * high * wide, shape(weight)[1]])
        product = build(_ATEN.bmm.default, flat, weight)
        total = product if total is None else build(_ATEN.add.Tensor, total, product)
    if layer.bias is not None:
        total = build(_ATEN.add.Tensor, total, layer.bias)
    total = build(_ATEN.reshape.default, total, [batch, high, wide, channels])
    total = build(_ATEN.permute.default, total, [0, 3, 1, 2])
    if shape(total) != sizes:
        total = build(_ATEN.reshape.default, total, sizes)
    graph.replace(node, total)


def _padded(build: Builder, layer: _Layer, batch: int, result: tuple[int, int]) -> fx.Node:
    """The image `[B, H', W', C]`, padded or cut so far that no slice of it ends outside."""
    source = layer.source
    channels, *sizes = shape(source)[-3:]
    if len(shape(source)) != 4:
        source = build(_ATEN.reshape.default, source, [batch, channels, *sizes])
    image = build(_ATEN.permute.default, source, [0, 2, 3, 1])
    ends = []
    for axis, size in enumerate(sizes):
        tiled = layer.is_tiled(axis)
        reach = 0 if tiled else (layer.kernel[axis] - 1) * layer.dilation[axis]
        needed = reach + result[axis] * layer.stride[axis]
        ends.append(needed - size - layer.padding[axis])
    pads = [0, 0, layer.padding[1], max(ends[1], 0), layer.padding[0], max(ends[0], 0)]
    if any(pads):
        image = build(_ATEN.constant_pad_nd.default, image, pads, 0.0)
    for axis, end in enumerate(ends, 1):
        if end < 0:
            image = build(_ATEN.slice.Tensor, image, axis, 0, shape(image)[axis] + end)
    return image


def _columns(build: Builder, image: fx.Node, layer: _Layer, wide: int) -> fx.Node:
    """What the kernel covers in one row, for each column of the result: `[B, H', ow, kw * C]`."""
    batch, high, _, channels = shape(image)
    size, stride, step = layer.kernel[1], layer.stride[1], layer.dilation[1]
    if layer.is_tiled(1):
        return build(_ATEN.reshape.default, image, [batch, high, wide, size * channels])
    rows = build(_ATEN.reshape.default, image, [batch * high, shape(image)[2], channels])
    taps = [_every(build, rows, tap * step, (wide, stride)) for tap in range(size)]
    covered = taps[0] if size == 1 else build(_ATEN.cat.default, taps, 2)
    return build(_ATEN.reshape.default, covered, [batch, high, wide, size * channels])


def _rows(build: Builder, covered: fx.Node, layer: _Layer, high: int) -> list[fx.Node]:
    """What each row of the kernel covers; all rows in one where they lie below each other."""
    batch, _, wide, features = shape(covered)
    size, stride, step = layer.kernel[0], layer.stride[0], layer.dilation[0]
    if layer.is_tiled(0):
        if size == 1:
            return [covered]
        tiles = build(_ATEN.reshape.default, covered, [batch * high, size, wide, features])
        return [build(_ATEN.permute.default, tiles, [0, 2, 1, 3])]
    rows = build(_ATEN.reshape.default, covered, [batch, shape(covered)[1], wide * features])
    return [_every(build, rows, tap * step, (high, stride)) for tap in range(size)]


def _every(build: Builder, source: fx.Node, start: int, grid: tuple[int, int]) -> fx.Node:
    """Each `stride`-th of `count * stride` entries `[A, N, F]` from `start`: `[A, count, F]`.

    `grid` is count and stride. A slice with a step leaves engines' fast path: it is the first of
    each group of `stride`.
    """
    (lead, entries, features), (count, stride) = shape(source), grid
    if (start, count * stride) != (0, entries):
        source = build(_ATEN.slice.Tensor, source, 1, start, start + count * stride)
    if stride == 1:
        return source
    groups = build(_ATEN.reshape.default, source, [lead, count, stride, features])
    first = build(_ATEN.slice.Tensor, groups, 2, 0, 1)
    return build(_ATEN.reshape.default, first, [lead, count, features])


def _weights(build: Builder, layer: _Layer) -> list[fx.Node]:
    """The second factor of each bmm, `[1, kw * C, O]`, or `[1, kh * kw * C, O]` for all rows."""
    filters, channels, high, wide = shape(layer.weight)
    turned = build(_ATEN.permute.default, layer.weight, [2, 3, 1, 0])
    if layer.is_tiled(0):
        return [build(_ATEN.reshape.default, turned, [1, high * wide * channels, filters])]
    flat = build(_ATEN.reshape.default, turned, [high, wide * channels, filters])
    return [
        build(_ATEN.slice.Tensor, flat, 0, start, end)
        for start, end in itertools.pairwise(range(high + 1))
    ]


PART = dynamic_convolutions
