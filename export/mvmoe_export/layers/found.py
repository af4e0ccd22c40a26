"""Which layers a program has, and which of them must stay precise.

A router rounded to few bits sends images or tokens to other experts, and the last layer before an
answer has no later layer in which its error averages out. All are found by where their results go:

    tokens -> linear -> gelu -> linear -> logits      both only go to the router's logits
    tokens -> linear -> softmax -> topk               something is chosen by what the layer gives
    tokens -> norm -> head -> answer                  no layer comes after the head
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import fx

from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers.contract import Layer, PreciseLayer
from mvmoe_export.rewrites.graph import argument
from mvmoe_export.source_location import PREFIX

_ATEN = torch.ops.aten

# The position of the weight among the arguments, and the axis of its outputs.
_OPERATORS: Mapping[Any, tuple[int, int]] = {
    _ATEN.linear.default: (1, 0),
    _ATEN.conv1d.default: (1, 0),
    _ATEN.conv1d.padding: (1, 0),
    _ATEN.conv2d.default: (1, 0),
    _ATEN.conv2d.padding: (1, 0),
    _ATEN.conv3d.default: (1, 0),
    _ATEN.conv_transpose2d.input: (1, 1),
    _ATEN.matmul.default: (1, -1),
    _ATEN.mm.default: (1, -1),
    _ATEN.bmm.default: (1, -1),
    _ATEN.addmm.default: (2, -1),
}

_DECIDING = frozenset(
    {
        _ATEN.topk.default,
        _ATEN.sort.default,
        _ATEN.sort.stable,
        # What the rewrite `token-products` makes of these.
        _ATEN.ceil.default,
        _ATEN.floor.default,
    }
)
"""Operators that make a choice of numbers."""

_TAKING = frozenset(
    {
        _ATEN.index_select.default,
        _ATEN.index.Tensor,
        _ATEN.select.int,
        _ATEN.slice.Tensor,
        _ATEN.reshape.default,
        _ATEN.view.default,
        _ATEN.flatten.using_ints,
        _ATEN.permute.default,
        _ATEN.transpose.int,
        _ATEN.unsqueeze.default,
        _ATEN.squeeze.dim,
    }
)
"""Operators whose result is a part of their first argument, perhaps in another order."""

_CONVOLUTION = _ATEN.convolution.default
_ADDMM = _ATEN.addmm.default
"""With factors (`alpha`, `beta`) it is no layer: nobody trains one so."""

ROUTER = "it is a router's, and a rounded one sends images to other experts"
CHOICE = "tokens are chosen by what it gives, and a rounded one chooses others"
HEAD = "no layer comes after it before an answer"
SELECTED = "its weight is selected while the graph runs"


def find_layers(
    graph: fx.Graph, weights: Collection[str], roles: GraphRoles
) -> tuple[list[Layer], list[PreciseLayer]]:
    """The layers over `weights`, without those that stay precise, and these with the reason.

    `weights` are the names of slots (attributes) and of bound inputs (placeholders).
    """
    every = list(_layers(graph, weights))
    nodes = {layer.node for layer in every}
    behind, deciding = _followers(graph, nodes, roles), _deciding(graph, nodes)
    free, left = [], []
    for layer in every:
        outputs, others, direct = behind[layer.node]
        reason = None
        if (
            (outputs and outputs <= roles.routers)
            or (not others and outputs & roles.routers)
            or direct & roles.inner_routers
        ):
            reason = ROUTER
        elif layer.node in deciding:
            reason = CHOICE
        elif not others and outputs & roles.answers:
            reason = HEAD
        if reason is None:
            free.append(layer)
        else:
            left.append(left_layer(layer, reason))
    left += [left_layer(layer, SELECTED) for layer in _over_selected(graph, weights)]
    return free, left


def left_layer(layer: Layer, reason: str) -> PreciseLayer:
    """A layer that stays precise for a reason, by the names that a person knows."""
    name = layer.name.removeprefix(PREFIX)
    return PreciseLayer(operator=layer.operator, layer=name, reason=reason)


def _layers(graph: fx.Graph, weights: Collection[str]) -> Iterator[Layer]:
    for node in graph.nodes:
        found = _weight_of(node)
        if found is None:
            continue
        weight, axis = found
        name = str(weight.target)
        if weight.op in ("get_attr", "placeholder") and name in weights:
            yield Layer(node, weight, name, _name(node), axis)


def _over_selected(graph: fx.Graph, weights: Collection[str]) -> Iterator[Layer]:
    """Layers whose weight the graph takes out of a stored one, such as a stack of all experts'."""
    for node in graph.nodes:
        found = _weight_of(node)
        if found is None:
            continue
        weight, axis = found
        while weight.target in _TAKING and isinstance(weight.args[0], fx.Node):
            weight = weight.args[0]
        if weight is not found[0] and weight.op == "get_attr" and weight.target in weights:
            yield Layer(node, weight, str(weight.target), _name(node), axis)


def _name(node: fx.Node) -> str:
    """What ATen calls the operator of a node."""
    called: str = node.target.name()  # type: ignore[union-attr]  # an operator, no method's name
    return called.rsplit("::", maxsplit=1)[-1].split(".", maxsplit=1)[0]


def _weight_of(node: fx.Node) -> tuple[fx.Node, int] | None:
    """The node of what may be a layer's weight, and the axis of its outputs."""
    if node.op != "call_function":
        return None
    if node.target is _CONVOLUTION:
        transposed = bool(argument(node, 6, "transposed", False))
        place = (1, 1 if transposed else 0)
    elif node.target in _OPERATORS and not (node.target is _ADDMM and node.kwargs):
        place = _OPERATORS[node.target]
    else:
        return None
    weight = node.args[place[0]]
    return (weight, place[1]) if isinstance(weight, fx.Node) else None


def _deciding(graph: fx.Graph, layers: Collection[fx.Node]) -> set[fx.Node]:
    """The nodes by whose values something is chosen, with no layer of `layers` between."""
    found: set[fx.Node] = set()
    for node in reversed(list(graph.nodes)):
        for user in node.users:
            if user.target in _DECIDING or (user in found and user not in layers):
                found.add(node)
    return found


def _followers(
    graph: fx.Graph, layers: Collection[fx.Node], roles: GraphRoles
) -> dict[fx.Node, tuple[frozenset[str], bool, frozenset[str]]]:
    """For every node the outputs that depend on it, whether a later layer does, and direct ones.

    Those are outputs that depend on it by a way without another layer.
    """
    found: dict[fx.Node, tuple[frozenset[str], bool, frozenset[str]]] = {}
    (end,) = graph.find_nodes(op="output")
    given: Sequence[Any] = end.args[0] if isinstance(end.args[0], list | tuple) else end.args
    names: dict[fx.Node, set[str]] = {}
    for node, name in zip(given, roles.outputs, strict=True):
        names.setdefault(node, set()).add(name)
    for node in reversed(list(graph.nodes)):
        outputs, later = set(names.get(node, ())), False
        direct = set(outputs)
        for user in node.users:
            if user is end:
                continue
            theirs, others, near = found[user]
            outputs |= theirs
            later = later or others or user in layers
            direct |= set() if user in layers else near
        found[node] = frozenset(outputs), later, frozenset(direct)
    return found
