"""Many images at once: stage by stage, the images of each stage grouped by the graph they need.

An expert that has to be loaded is loaded once for the whole batch, however the routes are mixed.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from mvmoe_deploy.bundle.manifest import IMAGE, Graph, Output, Stage, given_by
from mvmoe_deploy.errors import EngineError, PartialResultError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import no_logits
from mvmoe_deploy.routing.contract import Selector, route_of
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.graph_cache import GraphCache
from mvmoe_deploy.runtime.prediction import require_finite, without_finite_answer
from mvmoe_deploy.strategies import slot_input

_Choice = tuple[Route, Sequence[float]]
"""The route of one image at one stage, and the gates of its experts."""

_Arrays = Mapping[str, np.ndarray]
"""Arrays `[n, ...]` by the names of a graph's inputs or outputs."""


def run_grouped(
    graphs: GraphCache,
    buffers: InferenceBuffers,
    stages: Sequence[Stage],
    outputs: Sequence[Output],
    selectors: Sequence[Selector],
    *,
    images: np.ndarray,
) -> dict[str, np.ndarray]:
    """The `outputs` `[n, ...]` by name of preprocessed images `[n, C, H, W]`.

    `selectors` select the routes, one for each routed one of `stages`. Raises RoutingError for
    router logits or outputs that are not finite, PartialResultError with the other images' outputs,
    which are finite, if some need a graph that does not load.
    """
    batch = _Batch(graphs, buffers, images)
    batch.run_stage(0, stages[0], None)
    for index, stage in enumerate(stages[1:], start=1):
        # Logits of images that failed or finished before are zeros: their routes are never used.
        logits = no_logits(len(images)) if stage.router is None else batch.tensors[stage.router]
        choices = _choices(selectors[index - 1], logits)
        batch.finish(choices, stage.finishes)
        batch.run_stage(index, stage, choices)
    stage_of = given_by(stages)
    found = {output.name: batch.latest(output, stage_of) for output in outputs}
    if batch.failed:
        failed = {**without_finite_answer(found), **batch.failed}
        for array in found.values():
            array[list(failed)] = np.nan
        raise PartialResultError.of(failed, found, len(images))
    require_finite(found)
    return found


def _choices(selector: Selector, logits: np.ndarray) -> list[_Choice]:
    """The route and gates of each image by router logits `[n, E]`."""
    members, gates = selector.select(logits)
    routes = map(route_of, members)
    return [(route, row[list(route)].tolist()) for route, row in zip(routes, gates, strict=True)]


class _Batch:
    """Images `[n, C, H, W]` on their way through the stages."""

    def __init__(self, graphs: GraphCache, buffers: InferenceBuffers, images: np.ndarray) -> None:
        self._graphs = graphs
        self._buffers = buffers
        self._count = len(images)
        self.tensors: dict[str, np.ndarray] = {IMAGE: images}
        """What stages gave, `[n, ...]`, by the manifest's names; zeros for images that failed."""
        self.failed: dict[int, EngineError] = {}
        """Images that needed a graph which does not load."""
        self._finished: set[int] = set()
        self._last = np.zeros(len(images), np.int64)
        """The stage that each image has run last."""

    def finish(self, choices: Sequence[_Choice], finishes: Collection[Route]) -> None:
        """Images whose route is one that finishes them run no stage any more."""
        if finishes:
            ended = {image for image, (route, _) in enumerate(choices) if route in finishes}
            self._finished |= ended

    def latest(self, output: Output, stage_of: Mapping[str, int]) -> np.ndarray:
        """An output `[n, ...]`: of each image the last tensor whose stage the image has run."""
        first, *others = output.tensors
        found = self.tensors[first]
        for tensor in others:
            later = self._last >= stage_of[tensor]
            later = later.reshape(-1, *(1 for _ in found.shape[1:]))
            found = np.where(later, self.tensors[tensor], found)
        return found

    def run_stage(self, index: int, stage: Stage, choices: Sequence[_Choice] | None) -> None:
        """Run a stage on all images, each down the route of its choice; the stem has none."""
        outputs = self._new_outputs(index)
        inputs = {name: self.tensors[tensor] for name, tensor in stage.takes.items()}
        if choices is not None:
            inputs |= self._run_experts(index, inputs, choices)
        for graph, images in self._groups(index, choices):
            self._run(graph, images, inputs, outputs, choices)
        self.tensors |= {tensor: outputs[name] for name, tensor in stage.gives.items()}

    def _run_experts(
        self, stage: int, inputs: _Arrays, choices: Sequence[_Choice]
    ) -> dict[str, np.ndarray]:
        """What the slots of a joining graph take, zeros where a route is shorter.

        Each expert's graph runs once for all images that need it, at whichever place of their
        routes it stands. Nothing, where one graph serves a route.
        """
        users: dict[str, tuple[Graph, list[tuple[int, int]]]] = {}
        for image, (route, _) in enumerate(choices):
            if self._runs(image):
                for slot, expert in enumerate(self._graphs.serving(stage, route)[:-1]):
                    users.setdefault(expert.name, (expert, []))[1].append((image, slot))
        filled: dict[str, np.ndarray] = {}
        resident = set(self._graphs.resident)
        for name in sorted(users, key=lambda name: name not in resident):
            expert, places = users[name]
            images, slots = np.array(places).T
            given = {
                spec.name: np.zeros((self._count, *spec.shape[1:]), spec.dtype)
                for spec in expert.outputs
            }
            self._run(expert, images, inputs, given, None, slot=0)
            for output, array in given.items():
                for slot in np.unique(slots).tolist():
                    room = filled.setdefault(slot_input(slot, output), np.zeros_like(array))
                    rows = images[slots == slot]
                    room[rows] = array[rows]
        return filled

    def _runs(self, image: int) -> bool:
        """Whether an image goes on: it has neither failed nor been finished."""
        return image not in self.failed and image not in self._finished

    def _new_outputs(self, stage: int) -> dict[str, np.ndarray]:
        """Arrays for what a stage gives."""
        return {
            name: np.zeros((self._count, *array.shape[1:]), array.dtype)
            for name, array in self._buffers.outputs[stage].items()
        }

    def _groups(
        self, stage: int, choices: Sequence[_Choice] | None
    ) -> Iterator[tuple[Graph, np.ndarray]]:
        """The images that have not failed by the graph they need, graphs in memory first."""
        if choices is None:
            yield self._graphs.graph(stage), np.arange(self._count)
            return
        groups: dict[tuple[str, Route | None], tuple[Graph, list[int]]] = {}
        for image, (route, _) in enumerate(choices):
            if self._runs(image):
                graph = self._graphs.graph(stage, route)
                key = self._graphs.key(graph, route)
                groups.setdefault(key, (graph, []))[1].append(image)
        resident = set(self._graphs.resident)
        for key in sorted(groups, key=lambda key: key[0] not in resident):
            graph, images = groups[key]
            yield graph, np.array(images)

    def _run(
        self,
        graph: Graph,
        images: np.ndarray,
        tensors: _Arrays,
        outputs: _Arrays,
        choices: Sequence[_Choice] | None,
        *,
        slot: int | None = None,
    ) -> None:
        """Run one graph on some images, as many at a time as it takes; note it if that fails."""
        size = len(self._buffers.image)
        try:
            route = None if choices is None else choices[images[0]][0]
            call = self._graphs.call(self._buffers, graph, route, slot)
            for first in range(0, len(images), size):
                part = images[first : first + size]
                self._fill(graph, part, tensors, choices)
                call()
                for name, array in self._buffers.outputs_of(graph, slot).items():
                    outputs[name][part] = array[: len(part)]
                if slot is None:
                    self._last[part] = graph.stage
        except EngineError as error:
            # A copy: the raised error has the frames in which the graph ran, and they keep it.
            self.failed |= dict.fromkeys(images.tolist(), copy.copy(error))

    def _fill(
        self,
        graph: Graph,
        images: np.ndarray,
        tensors: _Arrays,
        choices: Sequence[_Choice] | None,
    ) -> None:
        """Put some images into the inputs of a graph, the first of its batch."""
        for name, array in self._buffers.inputs(graph).items():
            if name in tensors:
                array[: len(images)] = tensors[name][images]
        if choices is not None:
            for position, image in enumerate(images.tolist()):
                self._buffers.write(graph, position, *choices[image])
