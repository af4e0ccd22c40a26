"""Rewrite `token-products`: a choice of tokens without sort, gather and scatter."""

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    axis_of,
    elements,
    is_weight,
    shape,
    value,
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
    reshaped,
    rows_of,
)

_ATEN = torch.ops.aten
_MOST_ENTRIES = 1024
"""Of which a choice is made; every pair of them is compared, in 4 MB for each expert."""
_MOST_STACKED = 1 << 16
"""Numbers of a stack of weights that a product may go over; an expert's whole weights stay."""


@rewrite(
    "token-products",
    need="no-selection",
    order=118,
    error=1e-6,
    only_with=(*CHOOSING, "max", "min", "argmax"),
    replaces=("topk", "sort", "gather", "scatter_add", "index_put", "TopK", "GatherElements"),
)
def token_products(graph: AtenGraph) -> int:
    """A choice of tokens by their ranks, and its rows by products with a one-hot matrix.

    Before::

        s [L, N] -> sort(stable, descending) -> slice(0, C) -> i [L, C]
        x [B, N, D] -> gather(1, i) -> y [B, C, D]          z = scatter_add(x, 1, i, r)

    After::

        M = ceil(min(relu(s_j - s_i), j > i)) [L, N, N]
        rank_i = i + sum_j(M_ij) - sum_j(M_ji) [L, N]      H = relu(1 - (rank - c)^2) [L, C, N]
        y = bmm(H, x)                                            z = x + bmm(H^T, r)

    No delegate takes a sort, a top-k or a gather by a computed index: this has nothing that any of
    them leaves outside. The ranks are those of a stable sort for all finite scores: a difference of
    two fp32 numbers is 0 only if they are equal, `ceil` makes 1 of whatever else is above 0, and
    sums of ones are exact. In fp16 the scores are other ones, so close ones change places; ranks
    are exact up to 2048 tokens, if the engine keeps differences below 6e-5.

    The ranks take N^2 comparisons and the products C * N * D multiplications: the more tokens,
    the less is gained. What delegates leave outside is slower still: with XNNPACK, of 50 and
    of 197 tokens, 2.3 and 1.9 times as long (`docs/rewrites.md`). Choices of more than 1,024 stay,
    and those of which somebody reads the places as numbers.
    """
    changed = drop_remainders(graph)
    found = filter(None, map(choice_of, graph.find(*CHOICES)))
    choices = {choice.node: choice for choice in found if not is_weight(choice.scores)}
    plan = _Plan(graph, choices)
    kept = plan.kept()
    for node in plan.readers:
        rows = rows_of(node)  # Now: what it puts rows in may be another one since.
        if rows is not None and not plan.sources(rows.index) & kept:
            _as_product(graph, plan, rows)
    for choice in choices.values():
        if choice.node not in kept:
            for node in choice.values:
                _as_scores(plan, choice, node)
    return changed + len(choices.keys() - kept)


@dataclass
class _Plan:
    """Which choices can become products, and the one-hot matrices that were made so far."""

    graph: AtenGraph
    choices: dict[fx.Node, Choice]
    made: dict[fx.Node, fx.Node] = field(default_factory=dict)
    """Of each choice."""
    matrices: dict[fx.Node, fx.Node] = field(default_factory=dict)
    """Of each index."""
    readers: list[fx.Node] = field(default_factory=list)

    def kept(self) -> set[fx.Node]:
        """The choices that have to stay; notes what reads the others."""
        kept = {node for node, choice in self.choices.items() if _size(choice) > _MOST_ENTRIES}
        tied: list[set[fx.Node]] = []
        for choice in self.choices.values():
            for index, end in _ends(choice.places):
                rows = rows_of(end) if end.op == "call_function" else None
                sources = self.sources(index)
                if rows is None or rows.index is not index or not self._fits(rows, sources):
                    kept |= sources | {choice.node}
                else:
                    self.readers += [] if end in self.readers else [end]
                    tied.append(sources)
        while any(sources & kept and sources - kept for sources in tied):
            kept |= {node for sources in tied if sources & kept for node in sources}
        return kept

    def _fits(self, rows: TableRows, sources: set[fx.Node]) -> bool:
        """Whether rows become a product of as many entries as their places were chosen from."""
        if elements(rows.index) != rows.images * rows.count or not sources <= self.choices.keys():
            return False
        if not value(rows.node).is_floating_point():
            return False
        if any(_size(self.choices[source]) != rows.entries for source in sources):
            return False
        stacked = rows.images * rows.entries * rows.width
        if rows.rows is None and is_weight(rows.table) and stacked > _MOST_STACKED:
            return False
        # Rows that take the place of others have to be one a place.
        (choice, *others) = (self.choices[source] for source in sources)
        return rows.adds or (not others and rows.count == choice.count)

    def sources(self, index: fx.Node) -> set[fx.Node]:
        """The choices that an index is made of, and whatever else it is made of."""
        if index in self.choices or not index.all_input_nodes:
            return {index}
        return set().union(*map(self.sources, index.all_input_nodes))

    def one_hot(self, index: fx.Node) -> fx.Node:
        """`[*shape, N]` of an index: 1 at the place that each of its numbers says."""
        if index not in self.matrices:
            self.matrices[index] = self._one_hot(index)
        return self.matrices[index]

    def matrix(self, choice: Choice) -> fx.Node:
        """`[L, C, N]` of a choice: 1 at the place of each that is chosen, in their order."""
        if choice.node not in self.made:
            build = self.graph.before(choice.node)
            ranks = _ranks(build, _last(build, choice), choice.largest)
            self.made[choice.node] = _matrix(build, ranks, choice.count)
        return self.made[choice.node]

    def _one_hot(self, index: fx.Node) -> fx.Node:
        if index in self.choices or index.target is operator.getitem:
            (choice,) = (self.choices[node] for node in self.sources(index))
            build = self.graph.before(index)
            placed = _placed(build, self.matrix(choice), choice)
            if choice.count > 1 or choice.node.target in SORTS:
                return placed  # Of a sort as many as are read, which its slice says again.
            return reshaped(build, placed, [*shape(index), _size(choice)])
        build, rank = self.graph.before(index), len(shape(index.all_input_nodes[0]))
        matrices = [self.one_hot(source) for source in index.all_input_nodes]
        if index.target == _ATEN.permute.default:
            order = [axis_of(axis, rank) for axis in arguments(index)[1]]
            return build(_ATEN.permute.default, matrices[0], [*order, rank])
        if index.target in _BY_AXIS:
            axis = axis_of(argument(index, 1, "dim", 0), rank)
            given = matrices if index.target == _ATEN.cat.default else matrices[0]
            return build(index.target, given, axis, *index.args[2:])
        return reshaped(build, matrices[0], [*shape(index), shape(matrices[0])[-1]])


_BY_AXIS = (_ATEN.cat.default, _ATEN.slice.Tensor, _ATEN.select.int)
_PASSED = (*RESHAPES, *_BY_AXIS, _ATEN.permute.default)


def _ends(places: Iterable[fx.Node]) -> Iterator[tuple[fx.Node, fx.Node]]:
    """What reads an index in the end, with the index as it reads it."""
    left, seen = list(places), set[fx.Node]()
    while left:
        index = left.pop()
        for user in index.users:
            if user.target in _PASSED:
                left += [] if user in seen else [user]
                seen.add(user)
            elif user.target in (_ATEN.expand.default, _ATEN.repeat.default):
                yield from ((index, reader) for reader in user.users)
            else:
                yield index, user


def _size(choice: Choice) -> int:
    """Of how many it chooses."""
    return shape(choice.scores)[choice.axis]


def _last(build: Builder, choice: Choice) -> fx.Node:
    """The scores of a choice as `[L, N]`."""
    scores, rank = choice.scores, len(shape(choice.scores))
    if choice.axis != rank - 1:
        order = [*(axis for axis in range(rank) if axis != choice.axis), choice.axis]
        scores = build(_ATEN.permute.default, scores, order)
    return reshaped(build, scores, [elements(scores) // _size(choice), _size(choice)])


def _placed(build: Builder, node: fx.Node, choice: Choice) -> fx.Node:
    """`[L, C, ...]` in the axes of the choice's scores, C in the place of N, `...` behind them."""
    sizes, axis = shape(choice.scores), choice.axis
    others, behind = sizes[:axis] + sizes[axis + 1 :], shape(node)[2:]
    node, rank = reshaped(build, node, [*others, choice.count, *behind]), len(sizes)
    if axis == rank - 1:
        return node
    order = [*range(axis), rank - 1, *range(axis, rank - 1), *range(rank, rank + len(behind))]
    return build(_ATEN.permute.default, node, order)


def _ranks(build: Builder, scores: fx.Node, largest: bool) -> fx.Node:
    """The places `[L, 1, N]` of scores `[L, N]` in their order, equal ones as they come."""
    count, entries = shape(scores)
    kind = value(scores).dtype
    column = reshaped(build, scores, [count, entries, 1])
    row = reshaped(build, scores, [count, 1, entries])
    # [l, i, j]: whether a later j comes before i.
    ahead = build(_ATEN.sub.Tensor, *((row, column) if largest else (column, row)))
    corner = torch.ones(1, entries, entries, dtype=kind).triu(diagonal=1)
    later = build.constant(f"later_of_{entries}", corner)
    ahead = build(_ATEN.minimum.default, build(_ATEN.relu.default, ahead), later)
    ahead = build(_ATEN.ceil.default, ahead)
    row_of_ones = build.constant(f"row_{entries}_times", torch.ones(1, entries, dtype=kind))
    overtaken = build(_ATEN.linear.default, ahead, row_of_ones)
    rows_of_ones = torch.ones(count, 1, entries, dtype=kind)
    rows = build.constant(f"rows_of_{entries}", rows_of_ones)
    overtakes = build(_ATEN.bmm.default, rows, ahead)
    own = build.constant(f"places_of_{entries}", torch.arange(entries, dtype=kind)[None, None])
    moved = build(_ATEN.sub.Tensor, reshaped(build, overtaken, [count, 1, entries]), overtakes)
    return build(_ATEN.add.Tensor, moved, own)


def _matrix(build: Builder, ranks: fx.Node, count: int) -> fx.Node:
    """`[L, C, N]` of ranks `[L, 1, N]`: 1 where a rank is that of the row."""
    kind = value(ranks).dtype
    rows = build.constant(f"ranks_to_{count}", torch.arange(count, dtype=kind)[None, :, None])
    away = build(_ATEN.sub.Tensor, ranks, rows)
    away = build(_ATEN.mul.Tensor, away, away)
    return build(_ATEN.relu.default, build(_ATEN.sub.Tensor, _one(build, kind), away))


def _one(build: Builder, kind: torch.dtype) -> fx.Node:
    """A constant of three axes."""
    return build.constant("one_of_one", torch.ones(1, 1, 1, dtype=kind))


def _as_product(graph: AtenGraph, plan: _Plan, rows: TableRows) -> None:
    """Rows that are taken or put as a product with the one-hot matrix of their places."""
    build, matrix = graph.before(rows.node), plan.one_hot(rows.index)
    matrix = reshaped(build, matrix, [rows.images, rows.count, rows.entries])
    table = reshaped(build, rows.table, rows.table_sizes)
    if rows.rows is None:
        result = build(_ATEN.bmm.default, matrix, table)
    else:
        turned = build(_ATEN.permute.default, matrix, [0, 2, 1])
        result = _put(build, rows, table, turned)
    graph.replace(rows.node, reshaped(build, result, shape(rows.node)))


def _put(build: Builder, rows: TableRows, table: fx.Node, turned: fx.Node) -> fx.Node:
    """A table with rows put in, by the one-hot matrix `[B, N, C]`."""
    kind = value(rows.node).dtype
    if isinstance(rows.rows, fx.Node):
        given = reshaped(build, rows.rows, rows.row_sizes)
    else:
        number = torch.full(rows.row_sizes, float(rows.rows or 0), dtype=kind)
        given = build.constant(f"all_{rows.count}x{rows.width}", number)
    result = build(_ATEN.bmm.default, turned, given)
    if rows.adds:
        return build(_ATEN.add.Tensor, table, result)
    ones = build.constant(f"column_of_{rows.count}", torch.ones(1, rows.count, dtype=kind))
    taken = build(_ATEN.linear.default, turned, ones)
    left = build(_ATEN.sub.Tensor, _one(build, kind), taken)
    left = build(_ATEN.mul.Tensor, table, left)
    return build(_ATEN.add.Tensor, left, result)


def _as_scores(plan: _Plan, choice: Choice, node: fx.Node) -> None:
    """The chosen scores themselves: numbers that are taken like rows."""
    build, matrix = plan.graph.before(node), plan.matrix(choice)
    scores = _last(build, choice)
    taken = build(_ATEN.bmm.default, matrix, reshaped(build, scores, [*shape(scores), 1]))
    taken = _placed(build, reshaped(build, taken, shape(taken)[:2]), choice)
    if choice.count == 1:
        taken = reshaped(build, taken, shape(node))  # Where the axis is gone.
    plan.graph.replace(node, taken)


PART = token_products
