"""The ranges of what layers take and give for calibration images: in the graph as it was before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers.contract import Layer, LayerRanges, Range
from mvmoe_export.layers.found import find_layers
from mvmoe_export.rewrites.graph import attribute

Ranges = Mapping[str, LayerRanges]
"""By the name of the layer's weight; of several layers with one weight the ranges of all."""

ANY = LayerRanges((-1.0, 1.0), (-1.0, 1.0))
"""For a graph that is made as an example: the real ones are filled in later."""


class WatchedGraph:
    """A copy of a graph from before its layers are replaced, asked for what these take and give."""

    def __init__(
        self, graph: fx.Graph, weights: Iterable[str], roles: GraphRoles, module: fx.GraphModule
    ) -> None:
        copied = fx.Graph()
        copied.output(copied.graph_copy(graph, {}))
        layers, _ = find_layers(copied, set(weights), roles)
        self._watched = {layer.node: layer for layer in layers}
        held = set(weights)
        self._constants = {
            str(node.target): attribute(module, str(node.target)).detach()
            for node in copied.find_nodes(op="get_attr")
            if node.target not in held
        }
        self._graph = copied

    def ranges(self, contents: Mapping[str, Tensor], inputs: Iterable[Sequence[Tensor]]) -> Ranges:
        """The ranges over several inputs of the graph, with these contents of its slots."""
        found: dict[str, LayerRanges] = {}
        run = _Watching(self._graph, {**self._constants, **contents}, self._watched, found)
        with torch.no_grad():
            for given in inputs:
                run.run(*given)
        return found


class _Watching(fx.Interpreter):
    """Runs a graph, and notes the ranges of its layers."""

    def __init__(
        self,
        graph: fx.Graph,
        attributes: Mapping[str, Tensor],
        watched: Mapping[fx.Node, Layer],
        found: dict[str, LayerRanges],
    ) -> None:
        super().__init__(torch.nn.Module(), graph=graph)
        self._attributes, self._layers, self._found = attributes, watched, found

    def fetch_attr(self, target: str) -> Any:
        """A slot's content, or a constant."""
        return self._attributes[target]

    def run_node(self, n: fx.Node) -> Any:
        """What a node gives; of a layer it is noted, and what it takes."""
        given = super().run_node(n)
        layer = self._layers.get(n)
        if layer is not None:
            before = self._found.get(layer.name, LayerRanges((0.0, 0.0), (0.0, 0.0)))
            product = given
            if layer.bias is not None and layer.inner_bias is None:
                product = given - self.env[layer.bias]
            self._found[layer.name] = LayerRanges(
                _wider(before.taken, self.env[layer.input]), _wider(before.given, product)
            )
        return given


def _wider(span: Range, values: Tensor) -> Range:
    """A range with some values in it."""
    return min(span[0], float(values.min())), max(span[1], float(values.max()))


def unsigned_steps(span: Range) -> tuple[Tensor, Tensor]:
    """Scale (fp32) and zero point (uint8) of 256 steps over a range, both of no axes.

    value = scale * (step - zero); 0 is a step (Jacob et al., arXiv 1712.05877, section 2.1).
    """
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    scale = (high - low) / 255 or 1.0
    zero = min(max(round(-low / scale), 0), 255)
    return torch.tensor(scale, dtype=torch.float32), torch.tensor(zero, dtype=torch.uint8)


def signed_steps(span: Range, least: float = 0.0) -> tuple[Tensor, Tensor]:
    """As `unsigned_steps`, with an int8 zero point 128 lower; the scale is `least` at least."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    scale, zero = unsigned_steps((low, max(high, low + 255 * least)))
    return scale, (zero.to(torch.int16) - 128).to(torch.int8)
