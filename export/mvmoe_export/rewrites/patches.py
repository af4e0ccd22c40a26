"""Rewrite `patches`: a convolution that cuts an image into patches is a linear layer of them."""

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, shape

_ATEN = torch.ops.aten


@rewrite(
    "patches",
    need="patches-as-products",
    order=292,
    error=1e-6,
    only_with=("conv2d", "convolution"),
)
def patches(graph: AtenGraph) -> int:
    """A convolution whose kernel moves by its own size as a linear layer.

    Before::

        x [B, C, H, W], w [O, C, p, q] -> conv2d(x, w, b, stride=(p, q)) -> y [B, O, H/p, W/q]

    After::

        x -> reshape [B, C, H/p, p, W/q, q] -> permute -> reshape [B, H/p * W/q, C * p * q]
          -> linear(w [O, C * p * q], b) -> permute -> reshape [B, O, H/p, W/q]

    For layers that are compressed: engines have linear layers in 8 bits that need no calibration,
    and no convolutions. Kernels of 1, padding, dilation, groups, and images that are no whole
    number of patches stay. Error: another order of summation.
    """
    changed = 0
    for node in graph.find(_ATEN.conv2d.default, _ATEN.convolution.default):
        if _is_patches(graph, node):
            graph.replace(node, _as_linear(graph, node))
            changed += 1
    return changed


def _is_patches(graph: AtenGraph, node: fx.Node) -> bool:
    """Whether a convolution with a constant weight cuts its input into patches."""
    source, weight = arguments(node)[:2]
    if len(shape(weight)) != 4 or graph.is_dynamic(weight):
        return False
    general = node.target == _ATEN.convolution.default
    if general and argument(node, 6, "transposed"):
        return False
    groups = argument(node, 8, "groups") if general else argument(node, 6, "groups", 1)
    kernel = shape(weight)[2:]
    image = shape(source)[-2:]
    return (
        groups == 1
        and max(kernel) > 1
        and _pair(argument(node, 3, "stride", 1)) == kernel
        and _pair(argument(node, 4, "padding", 0)) == [0, 0]
        and _pair(argument(node, 5, "dilation", 1)) == [1, 1]
        and all(size % step == 0 for size, step in zip(image, kernel, strict=True))
    )


def _as_linear(graph: AtenGraph, node: fx.Node) -> fx.Node:
    """The linear layer of patches, and what makes an image of what it gives."""
    source, weight = arguments(node)[:2]
    build = graph.before(node)
    batch, outputs, rows, columns = shape(node)
    _, channels, high, wide = shape(weight)
    cut = build(_ATEN.reshape.default, source, [batch, channels, rows, high, columns, wide])
    turned = build(_ATEN.permute.default, cut, [0, 2, 4, 1, 3, 5])
    size = channels * high * wide
    flat = build(_ATEN.reshape.default, turned, [batch, rows * columns, size])
    matrix = build(_ATEN.reshape.default, weight, [outputs, size])
    tokens = build(_ATEN.linear.default, flat, matrix, argument(node, 2, "bias"))
    back = build(_ATEN.permute.default, tokens, [0, 2, 1])
    return build(_ATEN.reshape.default, back, [batch, outputs, rows, columns])


def _pair(value: int | list[int]) -> list[int]:
    """A size for both axes; PyTorch takes one number for two of the same."""
    sizes = [value] if isinstance(value, int) else list(value)
    return sizes * 2 if len(sizes) == 1 else sizes


PART = patches
