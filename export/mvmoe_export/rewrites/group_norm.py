"""Rewrite `group-norm`: GroupNorm as LayerNorm over each group."""

import math

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, shape

_ATEN = torch.ops.aten


@rewrite(
    "group-norm",
    need="no-reductions",
    order=230,
    error=1e-5,
    replaces=("native_group_norm", "GroupNormalization", "InstanceNormalization"),
)
def group_norm(graph: AtenGraph) -> int:
    """GroupNorm as LayerNorm over each group; `layer-norm` writes that in primitives.

    Before::

        x [B, C, H, W] -> group_norm(groups, weight, bias, eps) -> y

    After::

        x -> reshape [B, groups, CHW / groups] -> layer_norm(eps) -> reshape [B, C, H, W]
          -> * weight [C, 1, 1] -> + bias [C, 1, 1] -> y

    Error: the sums are added in another order.
    """
    changed = 0
    for node in graph.find(_ATEN.group_norm.default):
        _as_layer_norm(graph, node)
        changed += 1
    return changed


def _as_layer_norm(graph: AtenGraph, node: fx.Node) -> None:
    """Replace one GroupNorm."""
    build, (source, groups) = graph.before(node), arguments(node)[:2]
    batch, channels, *plane = shape(source)
    size = channels // groups * math.prod(plane)
    result = build(_ATEN.reshape.default, source, [batch, groups, size])
    eps = argument(node, 4, "eps", 1e-5)
    result = build(_ATEN.layer_norm.default, result, [size], None, None, eps)
    result = build(_ATEN.reshape.default, result, shape(node))
    parts = argument(node, 2, "weight"), argument(node, 3, "bias")
    for operator, part in zip((_ATEN.mul.Tensor, _ATEN.add.Tensor), parts, strict=True):
        if part is not None:
            column = build(_ATEN.reshape.default, part, [1, channels, *[1] * len(plane)])
            result = build(operator, result, column)
    graph.replace(node, result)


PART = group_norm
