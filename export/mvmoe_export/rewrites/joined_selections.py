"""Rewrite `joined-selections`: what experts do one by one with the same tokens is done at once."""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    arguments,
    axis_of,
    elements,
    is_weight,
    shape,
    source_of,
)
from mvmoe_export.rewrites.selections import (
    CHOICES,
    CHOOSING,
    RESHAPES,
    SORTS,
    Choice,
    TableRows,
    choice_of,
    drop_remainders,
    first_entries,
    positions,
    reshaped,
    rows_of,
)

_ATEN = torch.ops.aten


@rewrite(
    "joined-selections",
    need="few-selections",
    order=115,
    error=1e-6,
    only_with=CHOOSING,
)
def joined_selections(graph: AtenGraph) -> int:
    """One choice, one gather and one scatter for all experts that choose from the same tokens.

    Before::

        for each expert e: p [B, N, E] -> select(2, e) -> sort -> slice(0, C) -> i_e [B, C]
        x -> gather(1, i_e) -> expert -> r_e [B, C, D]
        z_e = scatter_add(z_(e-1), 1, i_e, r_e)

    After::

        p -> permute -> sort -> i [E, B, C] -> permute -> reshape [B, E * C]
        x -> gather(1, i) -> slice -> expert -> r_e
        z_E = scatter_add(z_0, 1, i, cat(r_0, .., r_(E-1)))

    An engine's time for a small selection is that of starting it. Error: the rows of a token are
    added in another order.
    """
    return drop_remainders(graph) + _choices(graph) + _takes(graph) + _additions(graph)


@dataclass(frozen=True)
class _Lane:
    """One entry of a tensor along an axis, which is gone."""

    source: fx.Node
    axis: int
    index: int


def _lane_of(node: fx.Node) -> _Lane | None:
    """Which entry of another tensor a node is, if it is a select, or a slice of one reshaped."""
    if node.target == _ATEN.select.int:
        source, axis, index = arguments(node)
        axis = axis_of(axis, len(shape(source)))
        return _Lane(source, axis, index % shape(source)[axis])
    if node.target != _ATEN.reshape.default:
        return None
    cut = source_of(node)
    if cut.target != _ATEN.slice.Tensor:
        return None
    source, axis, start = arguments(cut)[:3]
    axis = axis_of(axis, len(shape(source)))
    sizes = shape(source)
    if shape(cut)[axis] != 1 or shape(node) != sizes[:axis] + sizes[axis + 1 :]:
        return None
    return _Lane(source, axis, start % sizes[axis])


def _choices(graph: AtenGraph) -> int:
    """One sort or top-k for all entries of a tensor along an axis, if each has its own."""
    groups: dict[object, dict[int, Choice]] = {}
    for node in graph.find(*CHOICES):
        choice, lane = choice_of(node), _lane_of(source_of(node))
        if choice is None or lane is None or not choice.places or node.target not in _JOINED:
            continue
        rest = (node.target, choice.axis, choice.count, choice.largest)
        groups.setdefault((lane.source, lane.axis, *rest), {})[lane.index] = choice
    changed = 0
    for group in groups.values():
        changed += _join_choices(graph, group)
    return changed


_JOINED = (*SORTS, _ATEN.topk.default)


def _join_choices(graph: AtenGraph, group: dict[int, Choice]) -> int:
    """Make one choice of those of all entries; gives how many there were."""
    choices = [group[index] for index in sorted(group)]
    lane = _lane_of(choices[0].scores)
    assert lane is not None
    if len(group) < 2 or len(group) != shape(lane.source)[lane.axis]:
        return 0
    place = positions(graph)
    first = min((choice.node for choice in choices), key=place.__getitem__)
    build, rank = graph.before(first), len(shape(lane.source))
    order = [lane.axis, *(axis for axis in range(rank) if axis != lane.axis)]
    scores = build(_ATEN.permute.default, lane.source, order)
    axis, count = choices[0].axis + 1, choices[0].count
    if first.target == _ATEN.topk.default:
        joint = build(first.target, scores, count, axis, choices[0].largest, True)
    else:
        joint = build(
            _ATEN.sort.stable, scores, stable=True, dim=axis, descending=choices[0].largest
        )
    parts = {
        number: build(operator.getitem, joint, number)
        for number in (0, 1)
        if any(user.args[1] == number for choice in choices for user in choice.node.users)
    }
    if first.target != _ATEN.topk.default:
        parts = {
            number: build(_ATEN.slice.Tensor, part, axis, 0, count)
            for number, part in parts.items()
        }
    entries = [
        {number: build(_ATEN.select.int, part, 0, index) for number, part in parts.items()}
        for index in range(len(choices))
    ]
    for choice, entry in zip(choices, entries, strict=True):
        for user in list(choice.node.users):
            _replace_part(graph, user, entry[arguments(user)[1]])
    return len(choices)


def _replace_part(graph: AtenGraph, part: fx.Node, other: fx.Node) -> None:
    """Let what read places or scores of a choice read them from the joint one."""
    for user in list(part.users):
        if first_entries(user, part, other):
            graph.replace(user, other)
    if not part._erased:
        graph.replace(part, other)


def _takes(graph: AtenGraph) -> int:
    """One gather for all that take rows of the same table."""
    groups: dict[object, list[fx.Node]] = {}
    for node in graph.find(_ATEN.gather.default, _ATEN.index_select.default):
        rows = rows_of(node)
        if rows is not None and rows.width > 1 and not is_weight(rows.table):
            groups.setdefault((rows.table, rows.images, rows.entries), []).append(node)
    changed = 0
    for group in groups.values():
        place, read = positions(graph), filter(None, map(rows_of, group))
        found = [replace(rows, index=_unshaped(rows.index)) for rows in read]
        ready = [rows for rows in found if place[rows.index] < place[group[0]]]
        if len(ready) > 1:
            _join_takes(graph, ready)
            changed += len(ready)
    return changed


def _join_takes(graph: AtenGraph, group: Sequence[TableRows]) -> None:
    """Take the rows of all, and cut them apart."""
    build = graph.before(group[0].node)
    first = group[0]
    index = _joint_index(build, group)
    if first.images == 1:
        table = reshaped(build, first.table, first.table_sizes[1:])
        taken = build(_ATEN.index_select.default, table, 0, index)
    else:
        table = reshaped(build, first.table, first.table_sizes)
        taken = build(_ATEN.gather.default, table, 1, index)
    axis = len(shape(taken)) - 2
    cut = [build(_ATEN.slice.Tensor, taken, axis, *ends) for ends in _ranges(group)]
    parts = [reshaped(build, part, shape(rows.node)) for rows, part in zip(group, cut, strict=True)]
    for rows, part in zip(group, parts, strict=True):
        graph.replace(rows.node, part)


def _ranges(group: Sequence[TableRows]) -> Iterator[tuple[int, int]]:
    """Where the rows of each are among those of all."""
    return pairwise(accumulate((rows.count for rows in group), initial=0))


def _joint_index(build: Builder, group: Sequence[TableRows]) -> fx.Node:
    """The places of all, one behind the other: `[sum of C]` of one image, or `[B, sum of C, D]`."""
    first, count = group[0], sum(rows.count for rows in group)
    index = _whole(build, group)
    if index is None:
        parts = [reshaped(build, rows.index, [rows.images, rows.count]) for rows in group]
        index = build(_ATEN.cat.default, parts, 1)
    if first.images == 1:
        return reshaped(build, index, [count])
    column = reshaped(build, index, [first.images, count, 1])
    return build(_ATEN.expand.default, column, [first.images, count, first.width])


def _whole(build: Builder, group: Sequence[TableRows]) -> fx.Node | None:
    """The tensor `[E, B, C]` that the places of all are cut out of, as `[B, E * C]`, or None."""
    lanes = [_lane_of(_unshaped(rows.index)) for rows in group]
    source = lanes[0].source if lanes[0] is not None else None
    if source is None or lanes != [_Lane(source, 0, index) for index in range(len(group))]:
        return None
    images, count = group[0].images, sum(rows.count for rows in group)
    if elements(source) != images * count:
        return None
    if images > 1:
        source = reshaped(build, source, [len(group), images, count // len(group)])
        source = build(_ATEN.permute.default, source, [1, 0, 2])
    return reshaped(build, source, [images, count])


def _unshaped(index: fx.Node) -> fx.Node:
    """An index before it was reshaped, unless that is how it was cut out."""
    while _lane_of(index) is None and index.target in RESHAPES:
        index = source_of(index)
    return index


def _additions(graph: AtenGraph) -> int:
    """One scatter for a chain of those that add to one table, each read by the next alone."""
    changed = 0
    for node in reversed(list(graph.find(_ATEN.scatter_add.default, _ATEN.index_put.default))):
        if node._erased:
            continue
        chain = list(_chain(node))
        if len(chain) > 1:
            _join_additions(graph, chain[::-1])
            changed += len(chain)
    return changed


def _chain(node: fx.Node) -> Iterator[TableRows]:
    """An addition of rows, then the one before it, and so on."""
    rows = rows_of(node)
    first = rows
    while rows is not None and rows.adds and rows.width > 1 and isinstance(rows.rows, fx.Node):
        if first is None or rows.table_sizes != first.table_sizes:
            return
        yield replace(rows, index=_unshaped(rows.index))
        if len(rows.table.users) > 1:
            return
        rows = rows_of(rows.table)


def _join_additions(graph: AtenGraph, chain: Sequence[TableRows]) -> None:
    """Add the rows of all, in their order, where the last was."""
    last, build = chain[-1], graph.before(chain[-1].node)
    parts = [
        reshaped(build, rows.rows, rows.row_sizes)
        for rows in chain
        if isinstance(rows.rows, fx.Node)
    ]
    joint, index = build(_ATEN.cat.default, parts, 1), _joint_index(build, chain)
    if last.images == 1:
        table = reshaped(build, chain[0].table, last.table_sizes[1:])
        joint = build(_ATEN.reshape.default, joint, shape(joint)[1:])
        result = build(_ATEN.index_put.default, table, [index], joint, True)
    else:
        table = reshaped(build, chain[0].table, last.table_sizes)
        result = build(_ATEN.scatter_add.default, table, 1, index, joint)
    graph.replace(last.node, reshaped(build, result, shape(last.node)))


PART = joined_selections
