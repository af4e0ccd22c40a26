"""Rewrite `joined-parts`: layers that were cut into parts, and are added up, are one layer."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    ELEMENTWISE,
    STAYS,
    AtenGraph,
    Builder,
    argument,
    arguments,
    axis_of,
    elements,
    is_weight,
    shape,
    source_of,
)

_ATEN = torch.ops.aten


def _has_parts(graph: fx.Graph) -> bool:
    """Whether a graph adds up linear layers."""
    sums = graph.find_nodes(op="call_function", target=_ATEN.add.Tensor)
    return any(map(_parts, sums))


@rewrite("joined-parts", need="wide-layers", order=150, error=1e-6, only_if=_has_parts)
def joined_parts(graph: AtenGraph) -> int:
    """Linear layers whose results are added up are one, and so is what they are made of.

    Before::

        linear(f(linear(x, a0)), b0) + linear(f(linear(x, a1)), b1)

    After::

        linear(f(linear(x, cat(a0, a1))), cat(b0, b1))

    In between may be elementwise functions, reshapes, permutes, splits and attention, in which the
    parts are heads. Weights stay as they are stored, each part once: they are joined in the graph,
    which an engine does when it loads a graph whose parts are constants. Parts that are rows of
    one stack are taken out of it at once. Weights that are given with the inputs are left alone:
    they would be copied in every run.
    """
    changed = 0
    for node in reversed(list(graph.find(_ATEN.add.Tensor))):  # A longer sum has shorter ones.
        if node._erased:
            continue
        parts = _parts(node)
        joined = _Joining(graph, node).sum_of(parts) if parts else None
        if joined is not None:
            graph.replace(node, joined)
            changed += 1
    return changed


def _parts(node: fx.Node) -> list[fx.Node]:
    """The linear layers whose sum a node is, in order; none if it is something else."""
    found: list[fx.Node] = []
    left = [node]
    while left:
        this = left.pop()
        if this is not node and len(this.users) != 1:
            return []
        if this.target == _ATEN.add.Tensor and not this.kwargs:
            sides = list(this.args)
            if not all(isinstance(side, fx.Node) for side in sides):
                return []
            left += reversed([side for side in sides if isinstance(side, fx.Node)])
        elif this.target == _ATEN.linear.default and shape(this) == shape(node):
            found.append(this)
        else:
            return []
    return found if len(found) > 1 else []


class _Joining:
    """Joins nodes that do the same, for one sum."""

    def __init__(self, graph: AtenGraph, place: fx.Node) -> None:
        self._graph = graph
        self._build: Builder = graph.before(place)
        self._known: dict[tuple[int, tuple[fx.Node, ...]], fx.Node | None] = {}

    def sum_of(self, parts: Sequence[fx.Node]) -> fx.Node | None:
        """The one layer that a sum of linear layers is; None if they cannot be joined."""
        inputs = [source_of(part) for part in parts]
        weights = [_node(part, 1) for part in parts]
        biases = [argument(part, 2, "bias") for part in parts]
        if not self._are_stored(weights) or any(
            bias is not None and not self._are_stored([bias]) for bias in biases
        ):
            return None
        joined = self.joined(inputs, len(shape(inputs[0])) - 1)
        if joined is None:
            return None
        given = self._product(joined, weights)
        for bias in biases:
            if bias is not None:
                given = self._build(_ATEN.add.Tensor, given, bias)
        return given

    def joined(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """What gives the values of some nodes one behind the other; None if nothing does."""
        key = axis, tuple(nodes)
        if key not in self._known:
            self._known[key] = self._made(nodes, axis)
        return self._known[key]

    def _made(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        first = nodes[0]
        if len({(node.op, node.target, tuple(shape(node))) for node in nodes}) > 1:
            return None
        if first.target in ELEMENTWISE or first.target == _ATEN.clone.default:
            return self._same(nodes, axis)
        if _is_piece(first):
            return self._pieces(nodes, axis)
        ways: dict[object, Callable[[Sequence[fx.Node], int], fx.Node | None]] = {
            _ATEN.permute.default: self._permuted,
            _ATEN.reshape.default: self._reshaped,
            _ATEN.scaled_dot_product_attention.default: self._attended,
            _ATEN.linear.default: self._wide,
        }
        way = ways.get(first.target)
        return None if way is None else way(nodes, axis)

    def _same(
        self, nodes: Sequence[fx.Node], axis: int, wide: list[int] | None = None
    ) -> fx.Node | None:
        """The same operator on what its first arguments give, joined along an axis.

        `wide` is the shape that a reshape gives then.
        """
        others = {(*map(str, node.args[1:]), str(node.kwargs)) for node in nodes}
        source = self.joined([source_of(node) for node in nodes], axis)
        if source is None or len(others) > 1:
            return None
        rest = nodes[0].args[1:]
        if wide is not None:
            rest = (wide,)
            while source.target == _ATEN.reshape.default:
                source = source_of(source)
        return self._build(nodes[0].target, source, *rest, **nodes[0].kwargs)

    def _permuted(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """Joined along the axis that comes to this place."""
        order = arguments(nodes[0])[1]
        return self._same(nodes, axis_of(order[axis], len(order)))

    def _reshaped(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """Joined along an axis of what is reshaped before which as many elements lie."""
        given, taken = shape(nodes[0]), shape(source_of(nodes[0]))
        before = math.prod(given[:axis])
        wide = [size * (len(nodes) if place == axis else 1) for place, size in enumerate(given)]
        places = [place for place in range(len(taken)) if math.prod(taken[:place]) == before]
        # Beside an axis of size 1 there are several: not every one is such that parts are joined.
        found = (self._same(nodes, place, wide) for place in places)
        return next((node for node in found if node is not None), None)

    def _attended(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """Attention of all heads: it is computed for each of them alone."""
        if axis != 1 or len(shape(nodes[0])) != 4 or any(len(node.args) != 3 for node in nodes):
            return None
        if len({str(node.kwargs) for node in nodes}) > 1:
            return None
        sides = [self.joined([_node(node, place) for node in nodes], 1) for place in range(3)]
        if any(side is None for side in sides):
            return None
        return self._build(nodes[0].target, *sides, **nodes[0].kwargs)

    def _pieces(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """The same piece of each part, out of all parts that stand one behind the other."""
        ranges = {_range(node) for node in nodes}
        sources = [_whole(node) for node in nodes]
        rank = len(shape(nodes[0]))
        (found, *others) = ranges
        if others or found is None or found[0] != rank - 1 or axis != rank - 1:
            return None
        source = self.joined(sources, axis)
        if source is None:
            return None
        _, start, end = found
        *before, width = shape(sources[0])
        parts = self._build(_ATEN.reshape.default, source, [*before, len(nodes), width])
        piece = self._build(_ATEN.slice.Tensor, parts, rank, start, end)
        return self._build(_ATEN.reshape.default, piece, [*before, len(nodes) * (end - start)])

    def _wide(self, nodes: Sequence[fx.Node], axis: int) -> fx.Node | None:
        """One linear layer of one input, with the rows of all."""
        weights = [_node(node, 1) for node in nodes]
        biases = [argument(node, 2, "bias") for node in nodes]
        if len({source_of(node) for node in nodes}) > 1 or axis != len(shape(nodes[0])) - 1:
            return None
        if not self._are_stored(weights) or len({bias is None for bias in biases}) > 1:
            return None
        weight = self._rows(weights)
        bias = None if biases[0] is None else self._rows(biases)
        return self._build(_ATEN.linear.default, source_of(nodes[0]), weight, bias)

    def _are_stored(self, weights: Sequence[fx.Node]) -> bool:
        """Whether weights are constants of the graph, or rows of a stack that is one."""
        return all(
            (is_weight(weight) and not self._graph.is_dynamic(weight))
            or (
                (taken := _taken(weight)) is not None
                and is_weight(taken[0])
                and not self._graph.is_dynamic(taken[0])
            )
            for weight in weights
        )

    def _product(self, value: fx.Node, weights: Sequence[fx.Node]) -> fx.Node:
        """Features `[..., sum of F]` times the columns of all weights `[D, F]`."""
        together = self._taken_together(weights)
        if together is None:
            return self._build(_ATEN.linear.default, value, self._cat(weights, 1))
        stack, index = together
        turned = self._build(_ATEN.permute.default, stack, [0, 2, 1])
        rows = self._build(_ATEN.index_select.default, turned, 0, index)
        width = shape(weights[0])[0]
        flat = self._build(_ATEN.reshape.default, rows, [shape(value)[-1], width])
        return self._build(_ATEN.matmul.default, value, flat)

    def _rows(self, weights: Sequence[fx.Node]) -> fx.Node:
        """The rows of all weights, one behind the other."""
        together = self._taken_together(weights)
        if together is None:
            return self._cat(weights, 0)
        rows = self._build(_ATEN.index_select.default, together[0], 0, together[1])
        first, *rest = shape(weights[0])
        return self._build(_ATEN.reshape.default, rows, [len(weights) * first, *rest])

    def _cat(self, weights: Sequence[fx.Node], axis: int) -> fx.Node:
        """All weights one behind the other."""
        node = self._build(_ATEN.cat.default, list(weights), axis)
        node.meta[STAYS] = True
        return node

    def _taken_together(self, weights: Sequence[fx.Node]) -> tuple[fx.Node, fx.Node] | None:
        """The stack that all weights are taken out of, and their indices; None if there is none."""
        taken = [_taken(weight) for weight in weights]
        found = [each for each in taken if each is not None]
        if len(found) < len(taken) or len({stack.target for stack, _ in found}) > 1:
            return None
        if any(stack.op != "get_attr" for stack, _ in found):
            return None
        indices = [index for _, index in found]
        return found[0][0], self._all_of(indices) or self._build(_ATEN.cat.default, indices, 0)

    def _all_of(self, indices: Sequence[fx.Node]) -> fx.Node | None:
        """What holds all the indices in order, if they are its pieces."""
        sources = {_origin(source_of(each)) for each in indices}
        if any(each.target != _ATEN.slice.Tensor for each in indices) or len(sources) > 1:
            return None
        (source,) = sources
        ranges = [_range(each) for each in indices]
        if elements(source) != len(indices) or ranges != [
            (0, place, place + 1) for place in range(len(indices))
        ]:
            return None
        return self._build(_ATEN.reshape.default, source, [len(indices)])


def _node(node: fx.Node, place: int) -> fx.Node:
    """An argument of an operator that is a node."""
    found = arguments(node)[place]
    assert isinstance(found, fx.Node)
    return found


def _is_piece(node: fx.Node) -> bool:
    """Whether a node is a piece of another along an axis."""
    if node.target == _ATEN.slice.Tensor:
        return True
    source = node.args[0] if node.args else None
    return (
        getattr(node.target, "__name__", "") == "getitem"
        and isinstance(source, fx.Node)
        and source.target == _ATEN.split_with_sizes.default
    )


def _whole(node: fx.Node) -> fx.Node:
    """What a piece is cut from."""
    source = source_of(node)
    return source if node.target == _ATEN.slice.Tensor else source_of(source)


def _range(node: fx.Node) -> tuple[int, int, int] | None:
    """Axis, beginning and end of a piece; None for one that leaves some out."""
    rank = len(shape(_whole(node)))
    if node.target != _ATEN.slice.Tensor:
        number, sizes = arguments(node)[1], arguments(source_of(node))[1]
        axis = axis_of(argument(source_of(node), 2, "dim", 0), rank)
        return axis, sum(sizes[:number]), sum(sizes[: number + 1])
    axis = axis_of(argument(node, 1, "dim", 0), rank)
    start, end = argument(node, 2, "start") or 0, argument(node, 3, "end")
    size = shape(_whole(node))[axis]
    end = size if end is None else min(end, size)
    return None if argument(node, 4, "step", 1) != 1 or start < 0 or end < 0 else (axis, start, end)


def _taken(weight: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """The stack and the index of a weight that is one entry of a stack; None for any other."""
    if weight.target not in (_ATEN.select.int, _ATEN.reshape.default):
        return None
    node = source_of(weight)
    if node.target != _ATEN.index_select.default or shape(node) != [1, *shape(weight)]:
        return None
    stack, axis, index = arguments(node)
    one = axis_of(axis, len(shape(stack))) == 0 and elements(index) == 1
    return (stack, index) if one else None


def _origin(node: fx.Node) -> fx.Node:
    """What a node gives, its axes of size 1 left aside."""
    while node.target in (_ATEN.select.int, _ATEN.reshape.default, _ATEN.squeeze.dims) and elements(
        node
    ) == elements(source_of(node)):
        node = source_of(node)
    return node


PART = joined_parts
