"""The ranges of what layers take, over calibration images: from the graph before it is changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers.found import find_layers
from mvmoe_export.rewrites.graph import attribute

Range = tuple[float, float]
"""The smallest and the largest value, 0 among them."""

Ranges = Mapping[str, Range]
"""By the name of the layer's weight; of several layers with one weight the range of all."""

ANY: Range = (-1.0, 1.0)
"""For a graph that is made as an example: the real ones are filled in later."""


class WatchedGraph:
    """A copy of a graph as it is before its layers are replaced, asked for what they take."""

    def __init__(
        self, graph: fx.Graph, weights: Iterable[str], roles: GraphRoles, module: fx.GraphModule
    ) -> None:
        copied = fx.Graph()
        copied.output(copied.graph_copy(graph, {}))
        layers, _ = find_layers(copied, set(weights), roles)
        self._watched: dict[fx.Node, list[str]] = {}
        for layer in layers:
            self._watched.setdefault(layer.input, []).append(layer.name)
        held = set(weights)
        self._constants = {
            str(node.target): attribute(module, str(node.target)).detach()
            for node in copied.find_nodes(op="get_attr")
            if node.target not in held
        }
        self._graph = copied

    def ranges(
        self, contents: Mapping[str, Tensor], inputs: Iterable[Sequence[Tensor]]
    ) -> dict[str, Range]:
        """The ranges over several inputs of the graph, with these contents of its slots."""
        found: dict[str, Range] = {}
        run = _Watching(self._graph, {**self._constants, **contents}, self._watched, found)
        with torch.no_grad():
            for given in inputs:
                run.run(*given)
        return found


class _Watching(fx.Interpreter):
    """Runs a graph, and notes the ranges of some nodes."""

    def __init__(
        self,
        graph: fx.Graph,
        attributes: Mapping[str, Tensor],
        watched: Mapping[fx.Node, Sequence[str]],
        found: dict[str, Range],
    ) -> None:
        super().__init__(torch.nn.Module(), graph=graph)
        self._attributes, self._names, self._found = attributes, watched, found

    def fetch_attr(self, target: str) -> Any:
        """A slot's content, or a constant."""
        return self._attributes[target]

    def run_node(self, n: fx.Node) -> Any:
        """What a node gives, noted where a layer takes it."""
        given = super().run_node(n)
        for name in self._names.get(n, ()):
            low, high = self._found.get(name, (0.0, 0.0))
            self._found[name] = (min(low, float(given.min())), max(high, float(given.max())))
        return given


def unsigned_steps(span: Range) -> tuple[Tensor, Tensor]:
    """Scale (fp32) and zero point (uint8) of 256 steps over a range, both of no axes.

    value = scale * (step - zero); 0 is a step (Jacob et al., arXiv 1712.05877, section 2.1).
    """
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    scale = (high - low) / 255 or 1.0
    zero = min(max(round(-low / scale), 0), 255)
    return torch.tensor(scale, dtype=torch.float32), torch.tensor(zero, dtype=torch.uint8)
