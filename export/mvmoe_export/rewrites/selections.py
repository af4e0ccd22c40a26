"""What chooses some of many entries, and what takes them or adds to them, whichever way it is said.

Models say it with `topk`, `sort`, `argmax`, `gather`, `index_select`, `scatter_add`, `index_add`
and more. Here each of these is read as one of three things, with the axes that do not matter flat:

- a choice: the places `[L, C]` of the C highest (or lowest) of N scores `[L, N]`;
- rows taken: `[B, C, W]` out of a table `[B, N, W]` at places `[B, C]`;
- rows put: `[B, C, W]` added to (or set in) a table `[B, N, W]` at places `[B, C]`.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    axis_of,
    elements,
    shape,
    source_of,
    value,
)

_ATEN = torch.ops.aten
SORTS = (_ATEN.sort.stable, _ATEN.sort.default)
CHOICES = (*SORTS, _ATEN.topk.default, _ATEN.max.dim, _ATEN.min.dim, _ATEN.argmax.default)
RESHAPES = (
    _ATEN.reshape.default,
    _ATEN.unsqueeze.default,
    _ATEN.squeeze.default,
    _ATEN.squeeze.dim,
    _ATEN.squeeze.dims,
    _ATEN.flatten.using_ints,
    _ATEN.unflatten.int,
    _ATEN.clone.default,
    _ATEN.alias.default,
)
"""What leaves the order of the elements as it is."""
CHOOSING = ("topk", "sort", "argsort")
"""What chooses several, as a model says it: without one of these a graph selects nothing."""


@dataclass(frozen=True)
class Choice:
    """The highest of some scores, or the lowest, along one axis."""

    node: fx.Node
    scores: fx.Node
    axis: int
    count: int
    largest: bool

    @property
    def places(self) -> list[fx.Node]:
        """The nodes that give its places, of int64."""
        if isinstance(value(self.node), Tensor):
            return [self.node]
        return [user for user in self.node.users if user.args[1] == 1]

    @property
    def values(self) -> list[fx.Node]:
        """The nodes that give the chosen scores."""
        if isinstance(value(self.node), Tensor):
            return []
        return [user for user in self.node.users if user.args[1] == 0]


@dataclass(frozen=True)
class TableRows:
    """Rows of a table `[images, entries, width]` at `index`, `count` of each image, in order."""

    node: fx.Node
    table: fx.Node
    index: fx.Node
    images: int
    entries: int
    count: int
    width: int
    rows: fx.Node | float | None = None
    """What is put there; None where rows are taken."""
    adds: bool = True
    """Whether rows that are put are added, or take the place of those that are there."""

    @property
    def table_sizes(self) -> list[int]:
        """The table's shape, with the axes that do not matter flat."""
        return [self.images, self.entries, self.width]

    @property
    def row_sizes(self) -> list[int]:
        """The rows' shape, likewise."""
        return [self.images, self.count, self.width]


def choice_of(node: fx.Node) -> Choice | None:
    """What a node chooses, if it does; of a sort as many as are read of it."""
    if node.target not in CHOICES or not value(source_of(node)).is_floating_point():
        return None
    scores, rank = source_of(node), len(shape(source_of(node)))
    several = node.target != _ATEN.argmax.default
    if not rank or (several and any(user.target is not operator.getitem for user in node.users)):
        return None
    if node.target in SORTS:
        stable = node.target == _ATEN.sort.stable
        axis = axis_of(argument(node, 2 if stable else 1, "dim", -1), rank)
        largest = argument(node, 3 if stable else 2, "descending", False)
        return Choice(node, scores, axis, _most_read(node, axis), bool(largest))
    if node.target == _ATEN.topk.default:
        axis = axis_of(argument(node, 2, "dim", -1), rank)
        return Choice(node, scores, axis, arguments(node)[1], argument(node, 3, "largest", True))
    axis = argument(node, 1, "dim")
    if axis is None:
        return None
    return Choice(node, scores, axis_of(axis, rank), 1, node.target != _ATEN.min.dim)


def _most_read(node: fx.Node, axis: int) -> int:
    """How many of the first entries of a sort are read."""
    most, size = 1, shape(source_of(node))[axis]
    for user in (user for part in node.users for user in part.users):
        most = max(most, slice_end(user, axis, size))
    return min(most, size)


def slice_end(node: fx.Node, axis: int, size: int) -> int:
    """The end of what a node reads along an axis; all where it is no plain slice of that axis."""
    if node.target != _ATEN.slice.Tensor:
        return size
    if axis_of(argument(node, 1, "dim", 0), len(shape(source_of(node)))) != axis:
        return size
    end: int | None = argument(node, 3, "end")
    start: int = argument(node, 2, "start") or 0
    if end is None or end < 0 or start < 0 or argument(node, 4, "step", 1) != 1:
        return size
    return min(end, size)


def rows_of(node: fx.Node) -> TableRows | None:
    """What rows a node takes or puts, if it does."""
    reader = _READERS.get(node.target)
    return reader(node) if reader is not None else None


def _gather(node: fx.Node) -> TableRows | None:
    """gather(table, axis, index)."""
    return _elements(node)


def _scatter_add(node: fx.Node) -> TableRows | None:
    """scatter_add(table, axis, index, rows)."""
    return _elements(node, rows=arguments(node)[3])


def _scatter(node: fx.Node) -> TableRows | None:
    """scatter(table, axis, index, rows or number)."""
    return _elements(node, rows=arguments(node)[3], adds=False)


def _elements(node: fx.Node, *, rows: Any = None, adds: bool = True) -> TableRows | None:
    """By an index for each element, which is the same along all axes behind `axis`."""
    table, axis, index = arguments(node)[:3]
    sizes, index_sizes = shape(table), shape(index)
    if not sizes or len(sizes) != len(index_sizes):
        return None
    axis = axis_of(axis, len(sizes))
    lead, trail = sizes[:axis], sizes[axis + 1 :]
    if index_sizes != [*lead, index_sizes[axis], *trail]:
        return None
    if isinstance(rows, fx.Node) and shape(rows) != index_sizes:
        return None
    images, count, width = math.prod(lead), index_sizes[axis], math.prod(trail)
    index = _unrepeated(index, axis)
    if elements(index) != images * count:
        return None
    return TableRows(node, table, index, images, sizes[axis], count, width, rows, adds)


def _unrepeated(index: fx.Node, axis: int) -> fx.Node:
    """An index without its repetition along the axes behind `axis`."""
    while index.target in (_ATEN.expand.default, _ATEN.repeat.default, *_COPIES):
        source, rank = source_of(index), len(shape(index))
        before = [1] * (rank - len(shape(source))) + shape(source)
        if before[: axis + 1] != shape(index)[: axis + 1]:
            break
        if index.target == _ATEN.repeat.default and any(
            size not in (1, new) for size, new in zip(before, shape(index), strict=True)
        ):
            break
        index = source
    return index


_COPIES = (_ATEN.clone.default, _ATEN.alias.default)


def _index_select(node: fx.Node) -> TableRows | None:
    """index_select(table, axis, index), where all axes before are of one."""
    table, axis, index = arguments(node)[:3]
    return _of_one_image(node, axis_of(axis, len(shape(table))), index)


def _index(node: fx.Node) -> TableRows | None:
    """table[.., index, ..] with one index, and with one for images of which there is one."""
    table, indices = arguments(node)[:2]
    found = _one_index(table, indices)
    return found and _of_one_image(node, *found)


def _index_put(node: fx.Node) -> TableRows | None:
    """table[.., index, ..] = rows, or += rows."""
    table, indices, rows = arguments(node)[:3]
    found = _one_index(table, indices)
    adds = argument(node, 3, "accumulate", False)
    return found and _of_one_image(node, *found, rows=rows, adds=adds)


def _one_index(table: fx.Node, indices: list[fx.Node | None]) -> tuple[int, fx.Node] | None:
    """The axis of the only index that matters, and it: one into an axis of one says nothing."""
    places = [axis for axis, index in enumerate(indices) if index is not None]
    if not places or places != list(range(places[0], places[-1] + 1)):
        return None
    axis, index = places[-1], indices[places[-1]]
    others = [given for given in indices[places[0] : axis] if given is not None]
    if index is None or value(index).dtype not in (torch.int64, torch.int32):
        return None
    if any(value(other).dtype == torch.bool or elements(other) != 1 for other in others):
        return None
    return axis, index


def _of_one_image(
    node: fx.Node, axis: int, index: fx.Node, *, rows: Any = None, adds: bool = True
) -> TableRows | None:
    """By an index of rows, where all axes before are of one."""
    table = source_of(node)
    sizes = shape(table)
    if not sizes or math.prod(sizes[:axis]) != 1:
        return None
    count, width = elements(index), math.prod(sizes[axis + 1 :])
    if isinstance(rows, fx.Node) and elements(rows) != count * width:
        return None
    return TableRows(node, table, index, 1, sizes[axis], count, width, rows, adds)


_READERS: dict[Any, Callable[[fx.Node], TableRows | None]] = {
    _ATEN.gather.default: _gather,
    _ATEN.scatter_add.default: _scatter_add,
    _ATEN.scatter.src: _scatter,
    _ATEN.scatter.value: _scatter,
    _ATEN.index_select.default: _index_select,
    _ATEN.index.Tensor: _index,
    _ATEN.index_put.default: _index_put,
}


def drop_remainders(graph: AtenGraph) -> int:
    """Leave out the remainder that `take_along_dim` takes of places, which are not negative."""
    changed = 0
    for node in graph.find(_ATEN.remainder.Scalar):
        size, place = arguments(node)[1], source_of(node)
        while place.op == "call_function" and len(place.all_input_nodes) == 1:
            if place.target in CHOICES:
                break
            place = source_of(place)
        choice = choice_of(place) if place.target in CHOICES else None
        if choice is not None and shape(choice.scores)[choice.axis] == size:
            graph.replace(node, source_of(node))
            changed += 1
    return changed


def first_entries(node: fx.Node, whole: fx.Node, part: fx.Node) -> bool:
    """Whether a node cuts as many of the first entries off `whole` as `part` has of it."""
    return (
        node.target == _ATEN.slice.Tensor
        and shape(whole) != shape(part) == shape(node)
        and not argument(node, 2, "start")
        and argument(node, 4, "step", 1) == 1
    )


def reshaped(build: Builder, node: fx.Node, sizes: list[int]) -> fx.Node:
    """A node in another shape; itself if that is its own."""
    return node if shape(node) == sizes else build(_ATEN.reshape.default, node, sizes)


def unshaped(node: fx.Node) -> fx.Node:
    """A node before it was reshaped."""
    while node.target in RESHAPES:
        node = source_of(node)
    return node


def positions(graph: AtenGraph) -> dict[fx.Node, int]:
    """Where each node is in the order of the graph."""
    return {node: position for position, node in enumerate(graph.module.graph.nodes)}
