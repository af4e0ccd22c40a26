"""Rewrite `layer-norm`: LayerNorm in primitives, its means as matmuls."""

import torch
from torch import fx

from mvmoe_export.rewrites.averages import average
from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, source_of

_ATEN = torch.ops.aten


@rewrite(
    "layer-norm",
    need="no-reductions",
    order=240,
    error=1e-5,
    replaces=("native_layer_norm", "LayerNormalization"),
)
def layer_norm(graph: AtenGraph) -> int:
    """LayerNorm in primitives, its means as matmuls with a constant column of 1/D.

    Before::

        x -> layer_norm(weight, bias, eps) -> y

    After::

        c = x - linear(x, 1/D)
        y = c / sqrt(linear(c * c, 1/D) + eps) * weight + bias

    Reductions over the last axis are what phone engines leave their fast path for; a matmul with
    one column is one. Error: the sums are added in another order.
    """
    changed = 0
    for node in graph.find(_ATEN.layer_norm.default):
        if len(arguments(node)[1]) == 1:
            _in_primitives(graph, node)
            changed += 1
    return changed


def _in_primitives(graph: AtenGraph, node: fx.Node) -> None:
    """Replace one LayerNorm over the last axis."""
    build, source = graph.before(node), source_of(node)
    scale, shift = argument(node, 2, "weight"), argument(node, 3, "bias")
    centred = build(_ATEN.sub.Tensor, source, average(build, source))
    variance = average(build, build(_ATEN.mul.Tensor, centred, centred))
    steadied = build(_ATEN.add.Tensor, variance, argument(node, 4, "eps", 1e-5))
    result = build(_ATEN.div.Tensor, centred, build(_ATEN.sqrt.default, steadied))
    if scale is not None:
        result = build(_ATEN.mul.Tensor, result, scale)
    if shift is not None:
        result = build(_ATEN.add.Tensor, result, shift)
    graph.replace(node, result)


PART = layer_norm
