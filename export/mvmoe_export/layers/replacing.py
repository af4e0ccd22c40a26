"""Puts a writer's layers into the place of those of a graph, and their parts in that of weights.

Before:  linear(tokens, weight) -> ...
After:   writer's nodes(tokens, weight__int8, weight__scale) -> ...
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from torch import Tensor, fx

from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers.contract import (
    CalibratedWriter,
    Layer,
    LayerRanges,
    LayerWriter,
    PreciseLayer,
)
from mvmoe_export.layers.finite import require_finite
from mvmoe_export.layers.found import find_layers, left_layer
from mvmoe_export.layers.ranges import ANY, Ranges

_JOINT = "__"
"""Between the name of a weight and that of its part: the name of an input may have no dots."""


def part_name(weight: str, part: str) -> str:
    """What the part of a weight is stored by."""
    return f"{weight}{_JOINT}{part}"


@dataclass(frozen=True)
class LayerChanges:
    """What has become of the layers of a graph, and what is stored of their weights."""

    writer: LayerWriter | None = None
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """Those that were replaced, by their weights; of several with one weight the first."""
    kept: frozenset[str] = frozenset()
    """Those of these weights that something else reads as well: they are stored besides."""
    left: tuple[PreciseLayer, ...] = ()
    """The layers that stay as they were."""

    def stored(
        self, weights: Mapping[str, Tensor], ranges: Ranges | None = None
    ) -> dict[str, Tensor]:
        """What is stored of some weights, by its names, in their order.

        `ranges` are those of a graph's layers, for a writer that needs them.
        """
        known = ranges or {}
        return {
            name: part
            for weight in weights
            for name, part in self._of(weight, weights[weight], known.get(weight, ANY))
        }

    def packed(self, name: str) -> int | None:
        """The bits of each number of what is stored by this name, if fewer than its type has."""
        weight, _, part = name.rpartition(_JOINT)
        if self.writer is None or weight not in self.layers:
            return None
        return self.writer.packed.get(part)

    def _of(self, name: str, weight: Tensor, found: LayerRanges) -> Iterator[tuple[str, Tensor]]:
        """What is stored of one weight."""
        if name in self.layers and self.writer is not None:
            parts = parts_of(self.writer, self.layers[name], weight.detach(), found)
            yield from ((part_name(name, part), tensor) for part, tensor in parts.items())
        if name not in self.layers or name in self.kept:
            yield name, weight


def replace_layers(
    graph: fx.Graph, weights: Mapping[str, Tensor], roles: GraphRoles, writer: LayerWriter
) -> LayerChanges:
    """Write all layers over `weights` that are free to be compressed; changes `graph`.

    `weights` are examples of contents, by the names of attributes and inputs.
    """
    free, precise = find_layers(graph, weights, roles)
    left = [*precise]
    first: dict[str, Layer] = {}
    parts: dict[str, dict[str, fx.Node]] = {}
    for layer in free:
        weight = weights[layer.name]
        reason = writer.refuses(layer, weight)
        if reason is None and not _alike(layer, first.get(layer.name, layer)):
            reason = "another kind of layer has the same weight"
        if reason is not None:
            left.append(left_layer(layer, reason))
            continue
        if layer.name not in first:
            first[layer.name] = layer
            parts[layer.name] = _store(graph, layer, parts_of(writer, layer, weight.detach(), ANY))
        with graph.inserting_before(layer.node):
            new = writer.write(layer, parts[layer.name])
        layer.node.replace_all_uses_with(new)
        graph.erase_node(layer.node)
    kept = frozenset(name for name, layer in first.items() if layer.weight.users)
    for name, layer in first.items():
        if name not in kept:
            graph.erase_node(layer.weight)
    return LayerChanges(writer, first, kept, tuple(left))


def parts_of(
    writer: LayerWriter, layer: Layer, weight: Tensor, found: LayerRanges
) -> dict[str, Tensor]:
    """All that is stored for a layer; raises InputError for values that are not finite."""
    require_finite(layer.name, weight)
    parts = writer.parts(layer, weight)
    return parts | writer.range_parts(layer, parts, found) if needs_ranges(writer) else parts


def needs_ranges(writer: LayerWriter) -> TypeGuard[CalibratedWriter]:
    """Whether a writer needs the ranges of what layers take and give."""
    return isinstance(writer, CalibratedWriter)


def _alike(one: Layer, other: Layer) -> bool:
    """Whether two layers read their weights in the same way."""
    return (one.operator, one.outputs_axis) == (other.operator, other.outputs_axis)


def _store(graph: fx.Graph, layer: Layer, parts: Mapping[str, Tensor]) -> dict[str, fx.Node]:
    """Attributes, or inputs, for the parts of a weight, behind it."""
    nodes: dict[str, fx.Node] = {}
    last = layer.weight
    for part, tensor in parts.items():
        name = part_name(layer.name, part)
        with graph.inserting_after(last):
            if layer.weight.op == "get_attr":
                last = graph.create_node("get_attr", name)
            else:
                last = graph.placeholder(name)
        last.meta["val"] = tensor.to("meta")
        nodes[part] = last
    return nodes
