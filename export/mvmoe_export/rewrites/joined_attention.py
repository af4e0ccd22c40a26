"""Rewrite `joined-attention`: heads that attend among their own tokens do so side by side."""

import operator
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    axis_of,
    behind,
    shape,
    source_of,
)
from mvmoe_export.rewrites.selections import CHOOSING, RESHAPES
from mvmoe_export.rewrites.views import order_of

_ATEN = torch.ops.aten
_TURNS = (_ATEN.transpose.int, _ATEN.permute.default)
_SPLITS = (_ATEN.split.Tensor, _ATEN.split_with_sizes.default)
_HEADS = 1
"""The axis of the heads in `[B, H, N, d]`."""


@rewrite("joined-attention", need="few-selections", order=117, error=1e-6, only_with=CHOOSING)
def joined_attention(graph: AtenGraph) -> int:
    """Attentions of equal shape that do not depend on each other as heads of one.

    Before::

        for each expert e: q_e, k_e, v_e [B, H, C, d] -> scaled_dot_product_attention -> y_e

    After::

        cat(q_0, q_1, ..), cat(k_0, ..), cat(v_0, ..) [B, E * H, C, d]
          -> scaled_dot_product_attention -> slice -> y_e

    Only without masks. In graphs that choose tokens experts are small, and what an engine needs to
    start an operator is much of its time. Error: products of more heads may be added in another
    order.
    """
    changed = 0
    for group in list(_groups(graph)):
        _join(graph, group)
        changed += len(group)
    if changed:
        _put_in_order(graph)
    return changed


def _groups(graph: AtenGraph) -> Iterator[list[fx.Node]]:
    """Attentions of equal shape, of which none depends on another; of at least two."""
    open_groups: dict[object, list[fx.Node]] = {}
    for node in graph.find(_ATEN.scaled_dot_product_attention.default):
        if not _is_plain(node):
            continue
        sizes = tuple(tuple(shape(part)) for part in arguments(node)[:3])
        group = open_groups.setdefault((sizes, argument(node, 6, "scale")), [])
        if not set(group).isdisjoint(behind(node)):
            yield from [list(group)] if len(group) > 1 else []
            group.clear()
        group.append(node)
    yield from (group for group in open_groups.values() if len(group) > 1)


def _is_plain(node: fx.Node) -> bool:
    """Whether an attention has four axes, and nothing but its scale is asked of it."""
    return (
        len(shape(node)) == 4
        and argument(node, 3, "attn_mask") is None
        and argument(node, 4, "dropout_p", 0.0) == 0
        and not argument(node, 5, "is_causal", False)
        and not argument(node, 7, "enable_gqa", False)
    )


def _join(graph: AtenGraph, group: Sequence[fx.Node]) -> None:
    """Let all attend at the place of the last; what reads the others has to be moved behind."""
    build = graph.before(group[-1])
    q, k, v = _side_by_side(build, group)
    scale = argument(group[0], 6, "scale")
    options = {} if scale is None else {"scale": scale}
    mixed = build(_ATEN.scaled_dot_product_attention.default, q, k, v, **options)
    ends = pairwise(accumulate((shape(node)[_HEADS] for node in group), initial=0))
    cut = [build(_ATEN.slice.Tensor, mixed, _HEADS, *end) for end in ends]
    for node, part in zip(group, cut, strict=True):
        graph.replace(node, part)


def _side_by_side(build: Builder, group: Sequence[fx.Node]) -> list[fx.Node]:
    """q, k and v of all, put together before they are cut out of one layer's output if they are."""
    cut = [[_cut_of(part) for part in arguments(node)[:3]] for node in group]
    ends = [[part and part[1:] for part in parts] for parts in cut]
    sources = [{part[0] for part in parts if part} for parts in cut]
    if None in ends[0] or any(these != ends[0] for these in ends) or any(map(_several, sources)):
        parts = ([arguments(node)[place] for node in group] for place in range(3))
        return [build(_ATEN.cat.default, list(part), _HEADS) for part in parts]
    whole = [source for (source,) in sources]
    batch, _, count, _ = shape(arguments(group[0])[0])
    sizes = [batch, 1, count, shape(whole[0])[-1]]
    joint = [build(_ATEN.reshape.default, source, sizes) for source in whole]
    stack = build(_ATEN.cat.default, joint, _HEADS)
    return [build(_ATEN.slice.Tensor, stack, 3, *end) for end in filter(None, ends[0])]


def _several(sources: set[fx.Node]) -> bool:
    return len(sources) != 1


def _cut_of(node: fx.Node) -> tuple[fx.Node, int, int] | None:
    """The tensor `[B, C, F]` of whose features one head `[B, 1, C, d]` is some, and which."""
    if shape(node)[_HEADS] != 1:
        return None
    while node.target in RESHAPES or (node.target in _TURNS and _keeps_order(node)):
        node = source_of(node)
    if node.target == _ATEN.slice.Tensor:
        source, axis = source_of(node), argument(node, 1, "dim", 0)
        start, step = argument(node, 2, "start") or 0, argument(node, 4, "step", 1)
    elif node.target is operator.getitem and source_of(node).target in _SPLITS:
        part, split = arguments(node)[1], source_of(node)
        source, axis, step = source_of(split), argument(split, 2, "dim", 0), 1
        start = sum(given.shape[-1] for given in split.meta["val"][:part])
    else:
        return None
    last = len(shape(source)) - 1
    if axis_of(axis, last + 1) != last or start < 0 or step != 1:
        return None
    return source, start, start + shape(node)[-1]


def _keeps_order(node: fx.Node) -> bool:
    """Whether a turn of axes moves only axes of one."""
    order = order_of(node)
    moved = [axis for axis in order if shape(source_of(node))[axis] != 1]
    return moved == sorted(moved)


def _put_in_order(graph: AtenGraph) -> None:
    """Move every node behind those that it depends on, and otherwise as little as can be."""
    nodes = list(graph.module.graph.nodes)
    placed: dict[fx.Node, None] = {}
    for node in nodes:
        left = [node]
        while left:
            missing = [source for source in left[-1].all_input_nodes if source not in placed]
            if missing:
                left += missing
            else:
                placed[left.pop()] = None
    for before, node in pairwise(placed):
        before.append(node)


PART = joined_attention
