"""Images on their way through stages, on whatever computes them: PyTorch or a target's graphs.

Images are grouped by route at each stage, so that one expert's graph is in memory at a time. Routes
are selected by the reference rules, or forced.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.manifest import ANSWER, IMAGE
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import no_logits, select_in_turn
from mvmoe_deploy.routing.contract import images_of, route_of
from mvmoe_deploy.runtime.buffers import graph_inputs
from mvmoe_deploy.runtime.contract import Runner, run
from mvmoe_deploy.runtime.memory import return_free_memory
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import Strategy

Vectors = dict[str, np.ndarray]
"""Arrays `[n, ...]` by name: what a stage gives, or the names of the golden vectors."""


class StageEngine(Protocol):
    """Computes stages for any number of images."""

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives for images `[n, C, H, W]`."""

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives for tensors `[n, ...]` and a route's gates.

        Both are by the names of its graphs' inputs and outputs. Gates are `[n, len(route)]`, in the
        order of the route.
        """


def run_stem(engine: StageEngine, stages: Sequence[manifest.Stage], images: np.ndarray) -> Vectors:
    """What is known of images `[n, C, H, W]` behind the stem, by the manifest's names."""
    return {IMAGE: images, **_by_tensor(stages[0], engine.stem(images))}


def run_stages(
    engine: StageEngine,
    stages: Sequence[manifest.Stage],
    start: Vectors,
    *,
    imposed: Sequence[np.ndarray] | None = None,
    unit_gate_stage: np.ndarray | None = None,
) -> Vectors:
    """Take images from what `run_stem` gave for them to the answer, each down its own route.

    Gives `logits.i` (where there is a router), `members.i` and `gates.i` for each routed stage i,
    and `answer`. Where the caller chooses, images take what may be chosen in turn. Routes that are
    `imposed` (one membership `[n, E]` for each stage) have the gates that the rule gives them;
    at the stage `unit_gate_stage` `[n]` of an image its gates are all 1. Raises RoutingError or
    EngineError.
    """
    vectors: Vectors = {}
    state = dict(start)
    for stage, record in enumerate(stages[1:], start=1):
        rule, logits = record.routing, no_logits(len(start[IMAGE]))
        if record.router is not None:
            logits = vectors[f"logits.{stage}"] = state[record.router]
        if imposed is None:
            members, gates = select_in_turn(rule, logits)
        else:
            members = imposed[stage - 1]
            gates = rule.gates(members, logits)
        if unit_gate_stage is not None:
            gates = np.where((unit_gate_stage == stage)[:, None], np.float32(members), gates)
        vectors |= {f"members.{stage}": members, f"gates.{stage}": gates}
        tensors = {name: state[tensor] for name, tensor in record.takes.items()}
        state |= _by_tensor(record, _step(engine, stage, tensors, members, gates))
    return vectors | {"answer": state[stages[-1].gives[ANSWER]]}


def rows_of(vectors: Vectors, images: np.ndarray) -> Vectors:
    """The rows of some images."""
    return {name: array[images] for name, array in vectors.items()}


class TargetGraphs:
    """The stages of a target: its graphs, which a runner runs."""

    def __init__(
        self, runner: Runner, root: Path, record: manifest.Target, strategy: Strategy
    ) -> None:
        self._runner = runner
        self._batch = record.batch
        self._strategy = strategy
        self._weights = StoredWeights(root, record, strategy)
        self._graphs = {(graph.stage, graph.route): graph for graph in record.graphs}

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""

        def inputs(rows: np.ndarray) -> Vectors:
            return {"image": np.ascontiguousarray(images[rows])}

        return self._run(self._graphs[0, None], len(images), inputs)

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives, its inputs as the strategy takes them."""
        graph = self._graphs[stage, self._strategy.serving(route)]
        weights = self._weights.inputs(graph, route)

        def inputs(rows: np.ndarray) -> Vectors:
            some = {name: tensor[rows] for name, tensor in tensors.items()}
            return graph_inputs(graph, self._strategy, some, route, gates[rows], weights=weights)

        return self._run(graph, len(gates), inputs)

    def _run(
        self, graph: manifest.Graph, count: int, inputs: Callable[[np.ndarray], Vectors]
    ) -> Vectors:
        """A graph on `count` images, as many at a time as it takes; `inputs` are those of rows."""
        loaded = self._runner.load(graph.name)
        parts = []
        for rows in _chunks(count, self._batch):
            outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
            parts.append(run(loaded, inputs(rows), outputs))
        del loaded
        return_free_memory()
        return {
            spec.name: np.concatenate([part[spec.name] for part in parts])[:count]
            for spec in graph.outputs
        }


def _chunks(count: int, size: int) -> Iterator[np.ndarray]:
    """Rows in blocks of `size`; the last block is filled up with the last row."""
    for first in range(0, count, size):
        yield np.minimum(np.arange(first, first + size), count - 1)


def _by_tensor(stage: manifest.Stage, outputs: Vectors) -> Vectors:
    """What a stage gave, by the manifest's names of the tensors."""
    return {tensor: outputs[name] for name, tensor in stage.gives.items()}


def _step(
    engine: StageEngine, stage: int, tensors: Vectors, members: np.ndarray, gates: np.ndarray
) -> Vectors:
    """One routed stage over images that take different routes, `[n, E]` as their gates."""
    given: Vectors = {}
    for route in map(route_of, np.unique(members, axis=0)):
        rows = images_of(route, members)
        some = {name: tensor[rows] for name, tensor in tensors.items()}
        output = engine.step(stage, route, some, gates[rows][:, list(route)])
        for name, array in output.items():
            room = given.setdefault(name, np.zeros((len(members), *array.shape[1:]), array.dtype))
            room[rows] = array
    return given
