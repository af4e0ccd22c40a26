"""The dispatcher: runs the stem, selects the route on the host, runs that route's graph alone."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mvmoe_deploy import routing
from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.bundle.read import Bundle
from mvmoe_deploy.errors import EngineError, InputError, PartialResultError
from mvmoe_deploy.preprocessing import ImageLike, preprocess
from mvmoe_deploy.routing import Route, RoutingRule
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner
from mvmoe_deploy.runtime.lane import Lane
from mvmoe_deploy.runtime.prediction import Clock, Prediction, make_prediction
from mvmoe_deploy.runtime.residency import Item, Residency
from mvmoe_deploy.runtime.runners import open_runner

Pin = str | int | Route
"""A graph's name, or a route of every routed stage (an int is the route of one expert)."""


class Dispatcher:
    """Answers images with a bundle's graphs. Thread-safe; close it, or use it in a `with` block."""

    def __init__(
        self,
        bundle: Bundle,
        target: str,
        runner: Runner,
        *,
        max_resident_experts: int | None = None,
        max_resident_bytes: int | None = None,
        pin: Iterable[Pin] = (),
    ) -> None:
        self.bundle = bundle
        self.target = bundle.target(target)
        self._runner = runner
        self._rules = bundle.manifest.rules
        self._graphs = _graphs_by_route(self.target.graphs, len(bundle.manifest.stages))
        self._lanes: list[Lane] = []
        self._in_flight = 0
        self._idle = threading.Condition()
        self._closing = threading.Event()
        self._prewarming: threading.Thread | None = None
        self._fixed = {
            by_route[None].name: _Resident(runner.load(by_route[None].name))
            for by_route in self._graphs
            if None in by_route
        }
        self._pinned = frozenset(name for item in pin for name in self._names_of(item))
        self._residency: Residency[_Resident] = Residency(
            {graph.name: Item(graph.stage, graph.weight_bytes) for graph in self._routed()},
            load=lambda name: _Resident(runner.load(name)),
            release=runner.release,
            pinned=self._pinned,
            max_per_group=max_resident_experts,
            max_bytes=max_resident_bytes,
        )

    @classmethod
    def open(
        cls,
        path: str | Path,
        target: str = "onnx",
        *,
        threads: int | None = None,
        max_resident_experts: int | None = None,
        max_resident_bytes: int | None = None,
        pin: Iterable[Pin] = (),
        prewarm: bool = False,
        verify: bool = True,
    ) -> Self:
        """Open the bundle at `path` and load its stem; experts load when an image needs them.

        `max_resident_experts` bounds the route graphs in memory for each routed stage,
        `max_resident_bytes` the weights of all of them; pinned ones are never released.
        `prewarm` loads experts in the background, the most used first. `verify=False` skips the
        hashes of the files, for a bundle that was verified already. `threads` is what one graph
        may use; None leaves it to the engine.

        Raises BundleError, MissingExtraError, EngineError or InputError.
        """
        bundle = Bundle.open(path)
        bundle.target(target)
        if verify:
            bundle.verify(target)
        runner = open_runner(target, bundle.path, bundle.target(target), threads)
        dispatcher = cls(
            bundle,
            target,
            runner,
            max_resident_experts=max_resident_experts,
            max_resident_bytes=max_resident_bytes,
            pin=pin,
        )
        if prewarm:
            dispatcher.prewarm(wait=False)
        return dispatcher

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release every graph once calls in flight have ended; later calls raise InputError."""
        with self._idle:
            self._closing.set()
            self._idle.wait_for(lambda: self._in_flight == 0)
        if self._prewarming is not None:
            self._prewarming.join()
        self._residency.clear()
        for name in self._fixed:
            self._runner.release(name)
        self._fixed.clear()
        self._lanes.clear()

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the route graphs in memory, the least recently used first."""
        return self._residency.resident

    def predict(self, image: ImageLike) -> Prediction:
        """The answer for one image: a PIL image, a path, or a uint8 array `[H, W, C]`.

        Raises ImageError, RoutingError, or EngineError if the image's expert does not load.
        """
        clock = Clock()
        with self._lane() as lane:
            preprocess(image, self.bundle.manifest.input, out=lane.image[0])
            clock.lap("preprocess")
            routes, gates = self._run_one(lane, clock)
            return make_prediction(
                lane.answer[0], routes, gates, self.bundle.manifest.labels, clock
            )

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Class logits `[B, classes]` of preprocessed images `[B, C, H, W]` (fp32).

        Images are grouped by route, so that an expert that has to be loaded is loaded once.
        Raises InputError for another shape or type, RoutingError for router logits that are not
        finite, and PartialResultError (with the other images' answers) if an expert does not load.
        """
        self._require_batch(batch)
        with self._lane() as lane:
            if len(batch) == 1:
                return self._run_single(lane, batch)
            return self._run_many(lane, batch)

    def prewarm(self, wait: bool = True) -> None:
        """Load pinned experts, then others by the usage prior, as many as fit; run each once.

        With `wait=False` in a background thread. An expert that does not load is passed over
        here: the images that need it will tell.
        """
        self._require_open()
        if wait:
            self._prewarm()
        elif self._prewarming is None or not self._prewarming.is_alive():
            self._prewarming = threading.Thread(target=self._prewarm, daemon=True)
            self._prewarming.start()

    def _prewarm(self) -> None:
        """Load what fits, the most used first."""
        for graph in self._by_usage():
            if self._closing.is_set():
                return
            if self._residency.has_room(graph.name):
                with contextlib.suppress(EngineError, _ClosedError), self._lane() as lane:
                    self._call(lane, graph)()

    def _by_usage(self) -> list[Graph]:
        """The route graphs, pinned ones first, in descending order of their share of images."""
        prior = self.bundle.manifest.usage_prior or ()
        shares = {
            (stage, item.route): item.share
            for stage, items in enumerate(prior, start=1)
            for item in items
        }
        return sorted(
            self._routed(),
            key=lambda graph: (
                graph.name not in self._pinned,
                -shares.get((graph.stage, graph.route), 0.0),
            ),
        )

    def _routed(self) -> list[Graph]:
        """The graphs that residency keeps: one for each route."""
        return [graph for graph in self.target.graphs if graph.name not in self._fixed]

    def _run_single(self, lane: Lane, batch: np.ndarray) -> np.ndarray:
        """`run` for a batch of one image."""
        np.copyto(lane.image[:1], batch)
        try:
            self._run_one(lane, Clock())
        except EngineError as error:
            answers = np.full_like(lane.answer[:1], np.nan)
            raise PartialResultError.of({0: error}, answers) from error
        return lane.answer[:1].copy()

    def _run_one(self, lane: Lane, clock: Clock) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Take the first image of the lane through all stages; gives its routes and gates."""
        self._call(lane, self._graphs[0][None])()
        clock.lap("stem")
        routes, gates = [], []
        for stage, rule in enumerate(self._rules, start=1):
            selected = routing.select(lane.outputs[stage - 1]["logits"][:1], rule)
            lane.route(stage, *selected)
            graph = self._graph(stage, selected[0][0])
            clock.lap("select")
            call = self._call(lane, graph)
            clock.lap("load")
            call()
            clock.lap("expert")
            routes.append(selected[0][0])
            gates.append(selected[1][0])
        return routes, gates

    def _run_many(self, lane: Lane, batch: np.ndarray) -> np.ndarray:
        """Stage by stage, the images of each stage grouped by route."""
        alive = np.arange(len(batch))
        failed: dict[int, EngineError] = {}
        work = _Work({"image": batch})
        for stage in range(len(self._rules) + 1):
            work.begin_stage(lane.outputs[stage])
            for graph, members in self._groups(stage, work, alive):
                try:
                    self._run_group(lane, graph, members, work)
                except EngineError as error:
                    failed |= dict.fromkeys(members.tolist(), error)
            alive = np.setdiff1d(alive, list(failed))
        answers = work.given["answer"]
        if failed:
            answers[list(failed)] = np.nan
            raise PartialResultError.of(failed, answers)
        return answers

    def _groups(
        self, stage: int, work: "_Work", alive: np.ndarray
    ) -> list[tuple[Graph, np.ndarray]]:
        """The images of a stage by the graph they need, graphs in memory first."""
        if stage == 0:
            return [(self._graphs[0][None], alive)]
        work.route(self._rules[stage - 1])
        groups: dict[str, list[int]] = {}
        graphs = {}
        for image in alive.tolist():
            graph = self._graph(stage, work.routes[image])
            graphs[graph.name] = graph
            groups.setdefault(graph.name, []).append(image)
        resident = set(self.resident)
        order = sorted(groups, key=lambda name: name not in resident)
        return [(graphs[name], np.array(groups[name])) for name in order]

    def _run_group(self, lane: Lane, graph: Graph, members: np.ndarray, work: "_Work") -> None:
        """Run one graph on some images, as many at a time as the graph takes."""
        call = self._call(lane, graph)
        for start in range(0, len(members), self.target.batch):
            part = members[start : start + self.target.batch]
            if graph.stage == 0:
                lane.image[: len(part)] = work.taken["image"][part]
            else:
                lane.inputs[graph.stage]["tokens"][: len(part)] = work.taken["next_tokens"][part]
                lane.route(graph.stage, work.routes[part], work.gates[part])
            call()
            for name, array in lane.outputs[graph.stage].items():
                work.given[name][part] = array[: len(part)]

    def _call(self, lane: Lane, graph: Graph) -> Callable[[], None]:
        """The call that runs a graph on a lane's buffers; loads the graph if it is cold."""
        name = graph.name
        resident = self._fixed.get(name) or self._residency.get(name)
        call = resident.calls.get(lane)
        if call is None:
            inputs, outputs = lane.inputs[graph.stage], lane.outputs[graph.stage]
            call = resident.calls[lane] = resident.graph.bind(inputs, outputs)
        return call

    def _graph(self, stage: int, route: np.ndarray) -> Graph:
        """The graph that a route needs at a stage."""
        by_route = self._graphs[stage]
        return by_route[None] if None in by_route else by_route[tuple(route.tolist())]

    @contextlib.contextmanager
    def _lane(self) -> Iterator[Lane]:
        """A lane that is nobody else's for the length of a call."""
        with self._idle:
            self._require_open()
            lane = self._lanes.pop() if self._lanes else Lane(self.bundle.manifest, self.target)
            self._in_flight += 1
        try:
            yield lane
        finally:
            with self._idle:
                self._lanes.append(lane)
                self._in_flight -= 1
                self._idle.notify_all()

    def _require_open(self) -> None:
        """Refuse a call after `close`."""
        if self._closing.is_set():
            raise _ClosedError("this dispatcher is closed; open the bundle again")

    def _names_of(self, pin: Pin) -> list[str]:
        """The graphs that a pin means; raises InputError if there are none."""
        route = (pin,) if isinstance(pin, int) else pin
        names = [
            graph.name
            for graph in self.target.graphs
            if graph.stage and (graph.name == pin or graph.route == route)
        ]
        if not names:
            raise InputError(
                f"{pin!r} cannot be pinned: bundle {self.bundle.path} has no such route or graph; "
                "give an expert's number, a tuple of them, or the name of a routed graph"
            )
        return names

    def _require_batch(self, batch: np.ndarray) -> None:
        """Refuse what is not a batch of preprocessed images."""
        shape = self.bundle.manifest.input.shape
        if not isinstance(batch, np.ndarray):
            raise InputError(
                f"a batch of type {type(batch).__name__} was given; expected a NumPy array of "
                f"float32 [B, {', '.join(map(str, shape))}]"
            )
        if (
            batch.dtype != np.float32
            or batch.ndim != 4
            or batch.shape[1:] != shape
            or not len(batch)
        ):
            raise InputError(
                f"a batch of {batch.dtype} {list(batch.shape)} was given; expected float32 "
                f"[B, {', '.join(map(str, shape))}] with at least one image"
            )


class _ClosedError(InputError):
    """A call came after `close`."""


class _Resident:
    """A loaded graph and its bindings, which go when it is released."""

    def __init__(self, graph: LoadedGraph) -> None:
        self.graph = graph
        self.calls: dict[Lane, Callable[[], None]] = {}


class _Work:
    """The tensors of a batch on its way: what a stage takes and what it gives."""

    def __init__(self, taken: dict[str, np.ndarray]) -> None:
        self.taken: dict[str, np.ndarray] = {}
        self.given = taken
        self.routes = self.gates = np.empty((0, 0))

    def begin_stage(self, outputs: dict[str, np.ndarray]) -> None:
        """What the last stage gave is taken now; make room for what this one gives."""
        self.taken = self.given
        count = len(next(iter(self.taken.values())))
        self.given = {
            name: np.zeros((count, *array.shape[1:]), array.dtype)
            for name, array in outputs.items()
        }

    def route(self, rule: RoutingRule) -> None:
        """Select the routes of all images; logits of those that failed on their way are zeros."""
        self.routes, self.gates = routing.select(self.taken["logits"], rule)


def _graphs_by_route(graphs: Iterable[Graph], stages: int) -> list[dict[Route | None, Graph]]:
    """For each stage its graphs by route; None is the key of a graph that serves every route."""
    result: list[dict[Route | None, Graph]] = [{} for _ in range(stages)]
    for graph in graphs:
        result[graph.stage][graph.route] = graph
    return result
