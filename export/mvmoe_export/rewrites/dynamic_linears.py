"""Rewrite `dynamic-linears`: a linear layer whose weight is no constant is a bmm."""

import math

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, shape

_ATEN = torch.ops.aten


@rewrite(
    "dynamic-linears",
    need="constant-linears",
    order=290,
    error=1e-6,
    replaces=("linear", "addmm", "Gemm"),
)
def dynamic_linears(graph: AtenGraph) -> int:
    """A linear layer whose weight is no constant as a bmm; a bias that is none is added after it.

    Before::

        x [.., N, D], W [H, D] -> linear(x, W, b) -> y [.., N, H]

    After::

        x -> reshape [1, .. * N, D] -> bmm(., permute(W) [1, D, H]) -> add(b) -> reshape -> y

    Engines whose linear layer wants its weight at the time of compiling take a bmm of any two
    tensors, of three axes and none broadcast. The permute is of the weight alone: it is made at
    export, as `gathered-weights` moves it there where experts are gathered. Error: another order
    of summation.
    """
    turned: dict[fx.Node, fx.Node] = {}
    changed = 0
    for node in graph.find(_ATEN.linear.default):
        weight, bias = arguments(node)[1], argument(node, 2, "bias")
        if graph.is_dynamic(weight):
            if weight not in turned:
                turned[weight] = _turned(graph, node, weight)
            _as_bmm(graph, node, turned[weight])
        elif bias is not None and graph.is_dynamic(bias):
            build = graph.before(node)
            product = build(_ATEN.linear.default, *arguments(node)[:2])
            graph.replace(node, build(_ATEN.add.Tensor, product, bias))
        else:
            continue
        changed += 1
    return changed


def _turned(graph: AtenGraph, node: fx.Node, weight: fx.Node) -> fx.Node:
    """The weight `[H, D]` of a layer as the second factor of a bmm, `[1, D, H]`."""
    build, (rows, columns) = graph.before(node), shape(weight)
    turned = build(_ATEN.permute.default, weight, [1, 0])
    return build(_ATEN.reshape.default, turned, [1, columns, rows])


def _as_bmm(graph: AtenGraph, node: fx.Node, turned: fx.Node) -> None:
    """Replace one layer."""
    build, source, bias = graph.before(node), arguments(node)[0], argument(node, 2, "bias")
    flat = [1, math.prod(shape(source)[:-1]), shape(source)[-1]]
    if shape(source) != flat:
        source = build(_ATEN.reshape.default, source, flat)
    result = build(_ATEN.bmm.default, source, turned)
    if bias is not None:
        result = build(_ATEN.add.Tensor, result, bias)
    if shape(result) != shape(node):
        result = build(_ATEN.reshape.default, result, shape(node))
    graph.replace(node, result)


PART = dynamic_linears
