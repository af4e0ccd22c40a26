"""The graph that rewrites work on: ATen operators with weights as attributes, and how to edit it.

Every node knows the shape of its value (`shape`), also the new ones. What is rewritten into what
is decided in the files of this room, one rewrite each.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_arg

from mvmoe_export.writes import require_functional

_META = "val"

_ATEN = torch.ops.aten

ELEMENTWISE = frozenset(
    {
        _ATEN.gelu.default,
        _ATEN.relu.default,
        _ATEN.silu.default,
        _ATEN.tanh.default,
        _ATEN.sigmoid.default,
        _ATEN.hardswish.default,
    }
)
"""Activations: what each does to a number depends on that number alone."""

STAYS = "stays in the graph"
"""Marks a node that is made of weights alone and is computed in the graph all the same: what it
gives would have to be stored for every graph, and what it is made of is stored once."""


class AtenGraph:
    """A graph of ATen operators over a module's weights, for example inputs of fixed shapes.

    `bound` are the names of the weights that are not stored with the graph but given to it with its
    inputs, one expert's or another's. Raises InputError for a graph with writes in place: rewrites
    know values, no memory.
    """

    def __init__(
        self,
        module: fx.GraphModule,
        inputs: Sequence[Tensor],
        bound: frozenset[str] = frozenset(),
    ) -> None:
        require_functional(module)
        self.module = module
        self.inputs = tuple(inputs)
        self.bound = bound
        _forget_strides(module)
        _infer(module, self.inputs)

    def find(self, *operators: Any) -> Iterator[fx.Node]:
        """The nodes that call one of some operators, in order; the graph may change meanwhile."""
        nodes = [node for node in self.module.graph.nodes if node.target in operators]
        return (node for node in nodes if not node._erased)

    def before(self, node: fx.Node) -> "Builder":
        """What makes new nodes just before `node`."""
        return Builder(self.module, node)

    def replace(self, node: fx.Node, other: fx.Node) -> None:
        """Let everything that read `node` read `other`; drops what nobody reads any more."""
        node.replace_all_uses_with(other)
        self.erase(node)

    def is_dynamic(self, node: fx.Node) -> bool:
        """Whether a node's value may change from run to run: it depends on an input of the graph.

        Bound weights are inputs, and so is what is made of them alone.
        """
        return any(
            source.op == "placeholder" or (source.op == "get_attr" and source.target in self.bound)
            for source in behind(node)
        )

    def erase(self, node: fx.Node) -> None:
        """Drop a node that nobody reads, and then what only it had read."""
        if node._erased or node.users or node.op in ("placeholder", "output"):
            return
        sources = node.all_input_nodes
        self.module.graph.erase_node(node)
        for source in sources:
            self.erase(source)


class Builder:
    """Makes nodes before one place of a graph, in the order of the calls."""

    def __init__(self, module: fx.GraphModule, place: fx.Node) -> None:
        self._module = module
        self._place = place

    def __call__(self, operator: Any, *arguments: Any, **options: Any) -> fx.Node:
        """A node that calls an operator on nodes and constants."""
        with self._module.graph.inserting_before(self._place):
            node = self._module.graph.call_function(operator, arguments, options)
        node.meta[_META] = _abstract(operator, node.args, node.kwargs)
        return node

    def constant(self, name: str, tensor: Tensor) -> fx.Node:
        """A node for a constant; a name that is taken for another content gets a number."""
        name = self._free(name, tensor)
        if not hasattr(self._module, name):
            self._module.register_buffer(name, tensor)
        with self._module.graph.inserting_before(self._place):
            node = self._module.graph.get_attr(name)
        node.meta[_META] = tensor.to("meta")
        return node

    def _free(self, name: str, tensor: Tensor) -> str:
        """The first of `name`, `name_1`, ... that is free or already this constant's."""
        for number in itertools.count():
            numbered = f"{name}_{number}" if number else name
            there = getattr(self._module, numbered, tensor)
            if isinstance(there, Tensor) and _equal(there, tensor):
                return numbered
        raise AssertionError  # itertools.count() does not end.


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def value(node: fx.Node) -> Tensor:
    """What a node gives, on the meta device: shape, strides and type without content."""
    found: Tensor = node.meta[_META]
    return found


def shape(node: fx.Node) -> list[int]:
    """The shape of what a node gives."""
    return list(value(node).shape)


def source_of(node: fx.Node) -> fx.Node:
    """The node that an operator's first argument is; raises TypeError if it is none."""
    source = node.args[0]
    if not isinstance(source, fx.Node):
        raise TypeError(f"the first argument of {node} is {source!r}; expected a node")
    return source


def arguments(node: fx.Node) -> tuple[Any, ...]:
    """The positional arguments of an operator.

    FX types each as a union of twenty types; which it is, the operator's schema says.
    """
    return node.args


def argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    """An argument of an operator, given by position or by name, or left to its default."""
    if position < len(node.args):
        return node.args[position]
    return node.kwargs.get(name, default)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis % rank if rank else 0


def _forget_strides(module: fx.GraphModule) -> None:
    """Let no node depend on the order of memory: rewrites change it."""
    for node in list(module.graph.nodes):
        if node.target == torch.ops.aten._assert_tensor_metadata.default:
            module.graph.erase_node(node)  # It asserts types that capturing has fixed.
        if node.target in (torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default):
            node.target = torch.ops.aten.reshape.default


def _infer(module: fx.GraphModule, inputs: tuple[Tensor, ...]) -> None:
    """Note at every node what it gives."""
    given = iter(inputs)
    for node in module.graph.nodes:
        if node.op == "placeholder":
            node.meta[_META] = next(given).to("meta")
        elif node.op == "get_attr":
            node.meta[_META] = attribute(module, node.target).detach().to("meta")
        elif node.op == "call_function":
            node.meta[_META] = _abstract(node.target, node.args, node.kwargs)


def attribute(module: torch.nn.Module, path: str) -> Tensor:
    """A parameter, buffer or constant of a module by its dotted name."""
    *parents, name = path.split(".")
    for parent in parents:
        module = getattr(module, parent)
    found: Tensor = getattr(module, name)
    return found


def _abstract(operator: Any, arguments: Any, options: Any) -> Any:
    """What an operator gives, on the meta device."""
    arguments, options = map_arg((arguments, options), lambda node: node.meta[_META])
    if "device" in options:
        options = {**options, "device": "meta"}
    with torch.no_grad():
        given = operator(*arguments, **options)
    if isinstance(given, list | tuple):
        return type(given)(_meta(part) for part in given)
    return _meta(given)


def _meta(given: Any) -> Any:
    return given.to("meta") if isinstance(given, Tensor) else given


def elements(node: fx.Node) -> int:
    """How many numbers a node gives."""
    return math.prod(shape(node))


def is_weight(node: fx.Node) -> bool:
    """Whether a node is made of weights and constants alone."""
    return all(source.op in ("get_attr", "call_function") for source in behind(node))


def behind(node: fx.Node) -> Iterator[fx.Node]:
    """A node and all that it depends on, each once."""
    # Not by recursion: a deep model's graph is longer than Python's stack.
    seen, left = {node}, [node]
    while left:
        this = left.pop()
        yield this
        left += [source for source in this.all_input_nodes if source not in seen]
        seen.update(this.all_input_nodes)
