"""Images on their way through stages, on whatever computes them: PyTorch or a target's graphs.

Images are grouped by route at each stage, so that one expert's graph is in memory at a time. Routes
are selected by the reference rules, or forced.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import no_logits, select_in_turn
from mvmoe_deploy.routing.contract import images_of, route_of
from mvmoe_deploy.runtime.buffers import graph_inputs, tensor_inputs
from mvmoe_deploy.runtime.contract import Runner, run
from mvmoe_deploy.runtime.freed_memory import return_free_memory
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import Strategy, slot_input

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
    outputs: Sequence[manifest.Output],
    start: Vectors,
    *,
    imposed: Sequence[np.ndarray] | None = None,
    imposed_gates: Sequence[np.ndarray] | None = None,
    unit_gate_stage: np.ndarray | None = None,
) -> Vectors:
    """Take images from what `run_stem` gave for them to the answer, each down its own route.

    Gives `logits.i` (where there is a router), `members.i` and `gates.i` for each routed stage i,
    and `outputs.NAME` for each of `outputs`. What a stage would give an image that was finished
    before is 0. Where the caller chooses, images take what may be chosen in turn. Routes that are
    `imposed` (one membership `[n, E]` for each stage) have the gates that the rule gives them, or
    `imposed_gates` (`[n, E]` for each stage); at the stage `unit_gate_stage` `[n]` of an image its
    gates are all 1. Raises RoutingError or
    EngineError.
    """
    vectors: Vectors = {}
    state = dict(start)
    last = np.zeros(len(start[IMAGE]), np.int64)
    for stage, record in enumerate(stages[1:], start=1):
        active = last == stage - 1
        given = None if imposed is None else imposed[stage - 1]
        units = None if unit_gate_stage is None else unit_gate_stage == stage
        logits, members, gates = _routed(record, state, active, given, units)
        if imposed_gates is not None:
            gates = imposed_gates[stage - 1]
        if record.router is not None:
            vectors[f"logits.{stage}"] = logits
        vectors |= {f"members.{stage}": members, f"gates.{stage}": gates}
        running = members.copy()
        for route in record.finishes:
            running[images_of(route, members)] = False
        last[running.any(axis=1)] = stage
        step = partial(engine.step, stage)
        state |= _by_tensor(record, _on_routes(step, record, state, running, gates))
    return vectors | _outputs(stages, outputs, state, last)


def _routed(
    record: manifest.Stage,
    state: Vectors,
    active: np.ndarray,
    imposed: np.ndarray | None,
    unit_gates: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, members and gates, each `[n, E]`, of one stage; 0 for images not `active` `[n]`.

    Images that are `unit_gates` `[n]` have gates of 1.
    """
    rule, count = record.routing, len(active)
    logits = no_logits(count)
    if record.router is not None:
        # A stage that no image has run gave nothing.
        found = state.get(record.router, np.zeros((count, rule.experts), np.float32))
        logits = _where(active, found)
    if imposed is None:
        # Of all images: which of them takes what may be chosen depends on its number.
        members, gates = select_in_turn(rule, logits)
        members, gates = _where(active, members), _where(active, gates)
    else:
        members = _where(active, imposed)
        gates = np.zeros(members.shape, np.float32)
        if active.any():
            gates[active] = rule.gates(members[active], logits[active])
    if unit_gates is not None:
        gates = np.where(unit_gates[:, None], np.float32(members), gates)
    return logits, members, gates


def _where(active: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows `[n, ...]`, 0 for images that are not `active` `[n]`."""
    return np.where(_column(active, rows), rows, rows.dtype.type(0))


def _column(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What is known of images `[n]`, in a shape that goes with rows `[n, ...]`."""
    return images.reshape(-1, *(1 for _ in rows.shape[1:]))


def _outputs(
    stages: Sequence[manifest.Stage],
    outputs: Sequence[manifest.Output],
    state: Vectors,
    last: np.ndarray,
) -> Vectors:
    """The outputs of images that have run stages up to `last` `[n]`."""
    given_by = manifest.given_by(stages)
    found: Vectors = {}
    for output in outputs:
        # A stage that no image has run gave nothing.
        first, *later = (tensor for tensor in output.tensors if tensor in state)
        array = state[first]
        for tensor in later:
            array = np.where(_column(last >= given_by[tensor], array), state[tensor], array)
        found[f"outputs.{output.name}"] = array
    return found


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
        self._weights = StoredWeights(root, record)
        self._graphs = {(graph.stage, graph.route): graph for graph in record.graphs}

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""

        def inputs(rows: np.ndarray) -> Vectors:
            return {"image": np.ascontiguousarray(images[rows])}

        return self._run(self._graphs[0, None], len(images), inputs)

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives, its inputs as the strategy takes them."""
        *experts, graph = [self._graphs[stage, place] for place in self._strategy.serving(route)]
        weights = self._weights.inputs(graph, route)
        known = dict(tensors)
        for slot, expert in enumerate(experts):
            given = self._run(expert, len(gates), partial(_expert_inputs, expert, tensors))
            known |= {slot_input(slot, name): tensor for name, tensor in given.items()}

        def inputs(rows: np.ndarray) -> Vectors:
            some = rows_of(known, rows)
            return graph_inputs(graph, self._strategy, some, route, gates[rows], weights=weights)

        return self._run(graph, len(gates), inputs)

    def _run(
        self, graph: manifest.Graph, count: int, inputs: Callable[[np.ndarray], Vectors]
    ) -> Vectors:
        """A graph on `count` images, as many at a time as it takes; `inputs` are those of rows."""
        loaded = self._runner.load(graph.name)
        parts = []
        for rows in in_chunks(count, self._batch):
            outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
            parts.append(run(loaded, inputs(rows), outputs))
        del loaded
        return_free_memory()
        return {
            spec.name: np.concatenate([part[spec.name] for part in parts])[:count]
            for spec in graph.outputs
        }


def _expert_inputs(expert: manifest.Graph, tensors: Vectors, rows: np.ndarray) -> Vectors:
    """What an expert's graph takes of its stage's tensors, for some rows."""
    return tensor_inputs(expert, rows_of(tensors, rows))


def in_chunks(count: int, size: int) -> Iterator[np.ndarray]:
    """Rows in blocks of `size`; the last block is filled up with the last row."""
    for first in range(0, count, size):
        yield np.minimum(np.arange(first, first + size), count - 1)


def _by_tensor(stage: manifest.Stage, outputs: Vectors) -> Vectors:
    """What a stage gave, by the manifest's names of the tensors; nothing if no image ran it."""
    return {tensor: outputs[name] for name, tensor in stage.gives.items() if outputs}


def _on_routes(
    step: Callable[[Route, Vectors, np.ndarray], Vectors],
    record: manifest.Stage,
    state: Vectors,
    members: np.ndarray,
    gates: np.ndarray,
) -> Vectors:
    """One routed stage over images that take different routes, `[n, E]` as their gates.

    Images without a route do not run it; nothing is given if none does.
    """
    given: Vectors = {}
    for route in filter(None, map(route_of, np.unique(members, axis=0))):
        rows = images_of(route, members)
        some = {name: state[tensor][rows] for name, tensor in record.takes.items()}
        output = step(route, some, gates[rows][:, list(route)])
        for name, array in output.items():
            room = given.setdefault(name, np.zeros((len(members), *array.shape[1:]), array.dtype))
            room[rows] = array
    return given
