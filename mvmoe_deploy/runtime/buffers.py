"""The arrays of one inference in flight, made once and used again.

A dispatcher keeps as many sets as calls ever ran at once. Each graph is bound to a set the first
time it runs on it; after that a call allocates nothing here.
"""

from collections.abc import Callable, Container, Mapping, Sequence

import numpy as np

from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.manifest import (
    IMAGE,
    Graph,
    Manifest,
    Output,
    Stage,
    Target,
    TensorSpec,
    given_by,
)
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import no_logits
from mvmoe_deploy.runtime.bound_graph import Place
from mvmoe_deploy.strategies import Strategy, slot_input

Step = tuple[Callable[[Sequence[float]], None], tuple[Place, ...]]
"""What writes the gates of an image, and the graphs that it runs then, in order."""

_MOST_KNOWN = 4096
"""Routes that are remembered: a rule may have far more than memory holds."""


def graph_inputs(
    graph: Graph,
    strategy: Strategy,
    tensors: Mapping[str, np.ndarray],
    route: Route,
    gates: np.ndarray,
    *,
    weights: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """New arrays with what the last graph of a route takes for images that are all on the route.

    `tensors` are those that its stage takes, `[B, ...]`, B being the graph's batch, and what the
    graphs before it gave for its slots; `gates` `[B, len(route)]` are in the order of the route;
    `weights` are the graph's inputs as they are.
    """
    inputs = tensor_inputs(graph, tensors, weights)
    for position, row in enumerate(gates.tolist()):
        strategy.write(inputs, position, route, row)
    return {**inputs, **weights}


def tensor_inputs(
    graph: Graph, tensors: Mapping[str, np.ndarray], others: Container[str] = ()
) -> dict[str, np.ndarray]:
    """New arrays with those of some tensors that a graph takes, zeros for all but the `others`."""
    inputs = {
        spec.name: np.zeros(spec.shape, spec.dtype)
        for spec in graph.inputs
        if spec.name not in others
    }
    for name, array in inputs.items():
        if name in tensors:
            array[:] = tensors[name]
    return inputs


class InferenceBuffers:
    """Arrays for every tensor that passes between host and graphs.

    What a stage gives and later ones take is one array. Graphs of one stage share the arrays of
    inputs that have the same name, shape and type.
    """

    def __init__(self, manifest: Manifest, target: Target, strategy: Strategy) -> None:
        self.token = object()
        """Stands for these buffers in tables of what is bound to them, which do not keep them."""
        self._strategy = strategy
        self._arrays: dict[tuple[int, str, tuple[int, ...], str], np.ndarray] = {}
        self._inputs: dict[str, dict[str, np.ndarray]] = {}
        stages = graph_stages(manifest, target)
        self._takes = [stage.takes for stage in stages]
        last = _last_graphs(stages, target, strategy)
        self.image = _zeros(next(spec for spec in last[0].inputs if spec.name == IMAGE))
        """The input of the stem `[B, C, H, W]`."""
        self.tensors: dict[str, np.ndarray] = {IMAGE: self.image}
        """Every tensor that stages pass on, by the manifest's name of it."""
        self.outputs: list[dict[str, np.ndarray]] = []
        """For each stage its outputs, by the names that its graphs have for them."""
        for stage, graph in zip(stages, last, strict=True):
            given = {spec.name: _zeros(spec) for spec in graph.outputs}
            self.outputs.append(given)
            self.tensors |= {stage.gives[name]: array for name, array in given.items()}
        self.first_logits = [
            no_logits(1)[0] if stage.router is None else self.tensors[stage.router][0]
            for stage in stages[1:]
        ]
        """For each routed stage the logits `[E]` of the first image, which its rule decides on.

        `[0]` where there is no router.
        """
        self.known: list[dict[Route, Step]] = [{} for _ in stages[1:]]
        """For each routed stage what the first image of a route takes there, once that is known."""
        self.is_image_of_stem_alone = not any(
            IMAGE in stage.takes.values() for stage in stages[1:]
        ) and not any(IMAGE in output.tensors for output in manifest.outputs)
        """Whether nothing but the stem reads the image."""
        self.results = self._results(stages, manifest.outputs)
        """For each stage the model's outputs `[B, ...]` of images for which it was the last."""
        self.first_results = [
            {name: array[:1] for name, array in result.items()} for result in self.results
        ]
        """The same `[1, ...]` of the first image."""

    def _results(
        self, stages: Sequence[Stage], outputs: Sequence[Output]
    ) -> list[dict[str, np.ndarray]]:
        """By the last stage that ran: each output is the latest of its tensors."""
        stage_of = given_by(stages)
        return [
            {
                output.name: self.tensors[given[-1]]
                for output in outputs
                if (given := [name for name in output.tensors if stage_of[name] <= last])
            }
            for last in range(len(stages))
        ]

    def outputs_of(self, graph: Graph, slot: int | None) -> dict[str, np.ndarray]:
        """What a graph gives: its stage's outputs, or the inputs of a slot of the joining graph."""
        if slot is None:
            return self.outputs[graph.stage]
        return {
            spec.name: self._own(graph.stage, slot_input(slot, spec.name), spec)
            for spec in graph.outputs
        }

    def inputs(self, graph: Graph) -> dict[str, np.ndarray]:
        """What a graph takes beside weights, by name."""
        found = self._inputs.get(graph.name)
        if found is None:
            found = {
                spec.name: self._input(graph.stage, spec)
                for spec in graph.inputs
                if spec.name not in graph.bound
            }
            self._inputs[graph.name] = found
        return found

    def write(self, graph: Graph, position: int, route: Route, gates: Sequence[float]) -> None:
        """Write the route and gates of the image at `position` into the inputs of its graph."""
        self._strategy.write(self.inputs(graph), position, route, gates)

    def learn(self, places: tuple[Place, ...], route: Route) -> Step:
        """Remember which graphs the first image of a route runs at a stage: those, in order."""
        graph = places[-1].graph
        step = self._strategy.writer(self.inputs(graph), route), places
        known = self.known[graph.stage - 1]
        if len(known) < _MOST_KNOWN:
            known[route] = step
        return step

    def _input(self, stage: int, spec: TensorSpec) -> np.ndarray:
        """The array of an input: a tensor that a stage before gave, or one of the stage's own."""
        tensor = self._takes[stage].get(spec.name)
        if tensor is not None:
            return self.tensors[tensor]
        return self._own(stage, spec.name, spec)

    def _own(self, stage: int, name: str, spec: TensorSpec) -> np.ndarray:
        """The array of a tensor that stays inside of a stage."""
        key = (stage, name, spec.shape, spec.dtype)
        if key not in self._arrays:
            self._arrays[key] = _zeros(spec)
        return self._arrays[key]


def _zeros(spec: TensorSpec) -> np.ndarray:
    """An array for a tensor."""
    return np.zeros(spec.shape, spec.dtype)


def _last_graphs(stages: Sequence[Stage], target: Target, strategy: Strategy) -> list[Graph]:
    """For each stage a graph that gives what the stage gives: of one route, the last."""
    routes = [stage.first_route for stage in stages[1:]]
    places: list[Route | None] = [None, *(strategy.serving(route)[-1] for route in routes)]
    graphs = {(graph.stage, graph.route): graph for graph in target.graphs}
    return [graphs[place] for place in enumerate(places)]
