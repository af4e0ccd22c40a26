"""Rewrite `attention`: scaled dot-product attention as bmm, softmax, bmm."""

import math

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    is_weight,
    shape,
    source_of,
    value,
)

_ATEN = torch.ops.aten
_HIDDEN = -3e4
"""Large enough to vanish in a softmax, small enough for fp16."""


@rewrite(
    "attention",
    need="one-partition",
    order=200,
    error=1e-5,
    replaces=(
        "full_like",
        "eq",
        "logical_not",
        "any",
        "where",
        "scaled_dot_product_attention",
        "Where",
        "IsNaN",
        "Equal",
        "Not",
        "Attention",
    ),
)
def attention(graph: AtenGraph) -> int:
    """Attention as bmm, softmax, bmm on three axes, its scale in the weights of q where it can be.

    Before::

        q, k, v [B, H, N, d] -> scaled_dot_product_attention -> y [B, H, N, d]

    After::

        s = bmm(reshape(q * scale) [BH, N, d], reshape(permute(k)) [BH, d, N])
        y = reshape(bmm(softmax(s), reshape(v)))

    What the fused operator decomposes to checks for rows that are masked whole, which no engine
    delegates; so no row may be. Masks that are added and causal ones are taken over, boolean ones
    only if they are constants: those become numbers at export. Query heads that share a head of k
    and v are taken together as more rows of it. Error: a rounding of the scale.
    """
    changed = 0
    for node in graph.find(_ATEN.scaled_dot_product_attention.default):
        if _is_plain(node):
            _in_primitives(graph, node)
            changed += 1
    return changed


def _is_plain(node: fx.Node) -> bool:
    """Whether nothing is asked that two bmm and a softmax cannot do."""
    q, k, v = arguments(node)[:3]
    mask = argument(node, 3, "attn_mask")
    return (
        _heads_match(shape(q)[:-2], shape(k)[:-2], argument(node, 7, "enable_gqa", False))
        and shape(k)[:-2] == shape(v)[:-2]
        and (mask is None or value(mask).is_floating_point() or is_weight(mask))
        and argument(node, 4, "dropout_p", 0.0) == 0
    )


def _heads_match(queries: list[int], keys: list[int], grouped: bool) -> bool:
    """Whether each head of k serves one head of q, or the next few of a group."""
    if not grouped:
        return queries == keys
    return queries[:-1] == keys[:-1] and queries[-1] % keys[-1] == 0


def _in_primitives(graph: AtenGraph, node: fx.Node) -> None:
    """Replace one attention."""
    build = graph.before(node)
    q, k, v = arguments(node)[:3]
    *lead, columns, width = shape(k)
    heads, rows = math.prod(lead), math.prod(shape(q)[:-1]) // math.prod(lead)
    scale = argument(node, 6, "scale")
    q = _scaled(graph, node, 1 / math.sqrt(width) if scale is None else scale)
    turned = build(_ATEN.permute.default, k, [*range(len(lead)), len(lead) + 1, len(lead)])
    scores = build(
        _ATEN.bmm.default,
        build(_ATEN.reshape.default, q, [heads, rows, width]),
        build(_ATEN.reshape.default, turned, [heads, width, columns]),
    )
    mask = _mask(build, node)
    if mask is not None:
        scores = build(_ATEN.reshape.default, scores, [*shape(q)[:-1], columns])
        scores = build(_ATEN.add.Tensor, scores, mask)
        scores = build(_ATEN.reshape.default, scores, [heads, rows, columns])
    shares = build(_ATEN.softmax.int, scores, -1)
    flat = build(_ATEN.reshape.default, v, [heads, columns, shape(v)[-1]])
    mixed = build(_ATEN.bmm.default, shares, flat)
    graph.replace(node, build(_ATEN.reshape.default, mixed, shape(node)))


def _mask(build: Builder, node: fx.Node) -> fx.Node | None:
    """What is added to the scores, if anything."""
    q, k = arguments(node)[:2]
    if argument(node, 5, "is_causal", False):
        rows, columns = shape(q)[-2], shape(k)[-2]
        hidden = torch.full((rows, columns), _HIDDEN, dtype=value(q).dtype).triu(diagonal=1)
        return build.constant(f"causal_{rows}_{columns}", hidden)
    mask: fx.Node | None = argument(node, 3, "attn_mask")
    if mask is None or value(mask).is_floating_point():
        return mask
    hides = build(_ATEN.logical_not.default, mask)
    numbers = build(_ATEN._to_copy.default, hides, dtype=value(q).dtype)
    return build(_ATEN.mul.Tensor, numbers, _HIDDEN)


def _scaled(graph: AtenGraph, node: fx.Node, scale: float) -> fx.Node:
    """`q * scale`, the scale in the weights of the layer that makes `q` if nobody else reads it."""
    build, q = graph.before(node), source_of(node)
    if node.args.count(q) > 1:
        return build(_ATEN.mul.Tensor, q, scale)
    maker = q
    while maker.target in (_ATEN.reshape.default, _ATEN.permute.default) and len(maker.users) == 1:
        maker = source_of(maker)
    if maker.target != _ATEN.linear.default or len(maker.users) != 1:
        return build(_ATEN.mul.Tensor, q, scale)
    source, *weights = arguments(maker)
    if not all(is_weight(weight) for weight in weights if weight is not None):
        return build(_ATEN.mul.Tensor, q, scale)
    early = graph.before(maker)
    scaled = (weight and early(_ATEN.mul.Tensor, weight, scale) for weight in weights)
    maker.args = (source, *scaled)
    return q


PART = attention
