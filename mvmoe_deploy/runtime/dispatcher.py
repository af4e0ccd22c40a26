"""The dispatcher: runs the stem, selects the route on the host, runs that route's graph alone."""

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mvmoe_deploy.bundle.integrity import check_files
from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.bundle.read import Bundle
from mvmoe_deploy.errors import EngineError, InputError, PartialResultError
from mvmoe_deploy.preprocessing import ImageLike, preprocess
from mvmoe_deploy.routing import Route, check_route, gates_of, select_one
from mvmoe_deploy.runtime.batching import run_grouped
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.lane import Lane
from mvmoe_deploy.runtime.loaded import LoadedGraphs, Pin
from mvmoe_deploy.runtime.prediction import (
    Clock,
    NoClock,
    Prediction,
    Recorder,
    Trace,
    make_prediction,
)
from mvmoe_deploy.runtime.runners import open_runner

_FLOAT32 = np.dtype(np.float32)


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
        pin: Iterable[Pin] | Pin = (),
    ) -> None:
        self.bundle = bundle
        self.target = bundle.target(target)
        self._rules = bundle.manifest.rules
        self._shape = bundle.manifest.input.shape
        self._graphs = LoadedGraphs(
            self.target,
            runner,
            pin=pin,
            max_per_stage=max_resident_experts,
            max_bytes=max_resident_bytes,
        )
        self._lanes: list[Lane] = []
        self._lanes_made = 0
        self._making = threading.Lock()
        self._closing = threading.Event()
        self._prewarming: threading.Thread | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        target: str = "onnx",
        *,
        threads: int | None = None,
        max_resident_experts: int | None = None,
        max_resident_bytes: int | None = None,
        pin: Iterable[Pin] | Pin = (),
        prewarm: bool = False,
        verify: bool = True,
        engine_options: Mapping[str, str] | None = None,
        manifest_sha256: str | None = None,
    ) -> Self:
        """Open the bundle at `path` and load its stem; experts load when an image needs them.

        `max_resident_experts` bounds the route graphs in memory for each routed stage,
        `max_resident_bytes` the weights of all of them; pinned ones are never released.
        `prewarm` loads experts in the background, the most used first. `verify=False` skips the
        hashes of the files, for a bundle that was verified already. `threads` is what one graph
        may use; None leaves it to the engine. `engine_options` are what only the target's engine
        knows: `{"compute_units": "cpuOnly"}` for Core ML. `manifest_sha256` pins the bundle: one
        with any other manifest is refused (`docs/security.md`).

        Where an engine does not exist on this system, a reference evaluator runs instead if one is
        installed: `engine` and `stands_in_for` say so.

        Raises BundleError, MissingExtraError, EngineError or InputError.
        """
        bundle = Bundle.open(path, manifest_sha256)
        bundle.target(target)
        if verify:
            check_files(bundle.path, bundle.target(target).files)
        runner = open_runner(bundle.path, bundle.target(target), threads, engine_options)
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
        self._require_open()
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
        self._closing.set()
        while len(self._lanes) < self._lanes_made:
            time.sleep(0.001)
        if self._prewarming is not None:
            self._prewarming.join()
        self._graphs.clear()
        self._lanes.clear()
        self._lanes_made = 0

    @property
    def engine(self) -> str:
        """What runs the graphs, for people."""
        return self._graphs.runner.description

    @property
    def stands_in_for(self) -> str | None:
        """The engine that this machine lacks and `engine` stands in for, or None."""
        return self._graphs.runner.stands_in_for

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the route graphs in memory, the least recently used first."""
        return self._graphs.residency.resident

    def predict(self, image: ImageLike) -> Prediction:
        """The answer for one image: a PIL image, a path, or a uint8 array `[H, W, C]`.

        Raises ImageError, RoutingError, or EngineError if the image's expert does not load.
        """
        clock = Clock()
        lane = self._take_lane()
        try:
            preprocess(image, self.bundle.manifest.input, out=lane.image[0])
            clock.lap("preprocess")
            routes, gates = self._run_one(lane, clock)
            labels = self.bundle.manifest.labels
            return make_prediction(lane.answer[0], routes, gates, labels, clock)
        finally:
            self._lanes.append(lane)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Class logits `[B, classes]` of preprocessed images `[B, C, H, W]` (fp32).

        Images are grouped by route, so that an expert that has to be loaded is loaded once.
        Raises InputError for another shape or type, RoutingError for router logits that are not
        finite, and PartialResultError (with the other images' answers) if an expert does not load.
        """
        self._require_batch(batch)
        lane = self._take_lane()
        try:
            if len(batch) > 1:
                return run_grouped(self._graphs, lane, self._rules, batch)
            lane.image[:1] = batch
            self._run_one(lane, NoClock)
            return lane.answer[:1].copy()
        except PartialResultError:
            raise
        except EngineError as error:
            answers = np.full_like(lane.answer[:1], np.nan)
            raise PartialResultError.of({0: error}, answers) from error
        finally:
            self._lanes.append(lane)

    def trace(self, image: np.ndarray, routes: Sequence[Route] | None = None) -> Trace:
        """Where the time of one preprocessed image `[1, C, H, W]` (fp32) goes, lap by lap.

        `routes`, one for each routed stage, are taken whatever the router says; its scores are the
        gates then, as in `RoutedModel.forward`. Selecting is timed all the same. For benchmarks
        and tests: `predict` and `run` are for answers. Raises what `run` does.
        """
        self._require_batch(image)
        if len(image) != 1:
            raise InputError(f"{len(image)} images were given; one at a time can be traced")
        forced = None if routes is None else self._checked_routes(routes)
        lane = self._take_lane()
        try:
            resident = frozenset(self.resident)
            clock = Recorder()
            lane.image[:1] = image
            clock.lap("rest")
            taken, _ = self._run_one(lane, clock, forced)
            answer = lane.answer[:1].copy()
            clock.lap("rest")
            names = [self._graphs.graph(i, route).name for i, route in enumerate(taken, start=1)]
            return Trace(answer, tuple(taken), tuple(n not in resident for n in names), clock.laps)
        finally:
            self._lanes.append(lane)

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
            if self._graphs.residency.has_room(graph.name):
                with contextlib.suppress(EngineError):
                    self._run_cold(graph)

    def _run_cold(self, graph: Graph) -> None:
        """Load a graph and run it once on whatever is in a lane."""
        try:
            lane = self._take_lane()
        except InputError:
            return  # Closed meanwhile.
        try:
            self._graphs.call(lane, graph)()
        finally:
            self._lanes.append(lane)

    def _by_usage(self) -> list[Graph]:
        """The route graphs, pinned ones first, in descending order of their share of images."""
        prior = self.bundle.manifest.usage_prior or ()
        shares = {
            (stage, item.route): item.share
            for stage, items in enumerate(prior, start=1)
            for item in items
        }
        return sorted(
            self._graphs.routed,
            key=lambda graph: (
                graph.name not in self._graphs.pinned,
                -shares.get((graph.stage, graph.route), 0.0),
            ),
        )

    def _run_one(
        self,
        lane: Lane,
        clock: type[NoClock] | Clock | Recorder,
        forced: Sequence[Route] | None = None,
    ) -> tuple[list[Route], list[tuple[float, ...]]]:
        """Take the first image of the lane through all stages; gives its routes and gates.

        Between two graphs the caches are full of weights and every line here runs cold: what
        takes a microsecond in a loop takes ten. So there is as little of it as possible.
        """
        graphs = self._graphs
        graphs.call(lane, graphs.graph(0))()
        clock.lap("stem")
        routes, gates = [], []
        for stage, rule in enumerate(self._rules, start=1):
            logits = lane.outputs[stage - 1]["logits"][0]
            route, gate = select_one(logits, rule)
            if forced is not None:
                clock.lap("select")
                route = forced[stage - 1]
                gate = gates_of(route, logits, rule)
                clock.lap("forced")
            lane.route(stage, 0, route, gate)
            graph = graphs.graph(stage, route)
            clock.lap("select")
            call = graphs.call(lane, graph)
            clock.lap("load")
            call()
            clock.lap("expert")
            routes.append(route)
            gates.append(gate)
        return routes, gates

    def _take_lane(self) -> Lane:
        """A lane that is nobody else's until it is appended to `_lanes` again.

        Taken without a lock: a list's pop and append are atomic. `close` waits until all lanes
        are back, and nobody keeps one that was taken after it began.
        """
        try:
            lane = self._lanes.pop()
        except IndexError:
            lane = Lane(self.bundle.manifest, self.target)
            with self._making:
                self._lanes_made += 1
        if self._closing.is_set():
            self._lanes.append(lane)
            self._require_open()
        return lane

    def _require_open(self) -> None:
        """Refuse a call after `close`."""
        if self._closing.is_set():
            raise InputError("this dispatcher is closed; open the bundle again")

    def _checked_routes(self, routes: Sequence[Route]) -> list[Route]:
        """One route for each routed stage, or InputError."""
        if len(routes) != len(self._rules):
            raise InputError(
                f"{len(routes)} routes were given; expected {len(self._rules)}, one for each "
                "routed stage"
            )
        for route, rule in zip(routes, self._rules, strict=True):
            check_route(tuple(route), rule, "the trace")
        return [tuple(route) for route in routes]

    def _require_batch(self, batch: np.ndarray) -> None:
        """Refuse what is not a batch of preprocessed images."""
        shape = self._shape
        if not isinstance(batch, np.ndarray):
            raise InputError(
                f"a batch of type {type(batch).__name__} was given; expected a NumPy array of "
                f"float32 [B, {', '.join(map(str, shape))}]"
            )
        if batch.dtype != _FLOAT32 or batch.ndim != 4 or batch.shape[1:] != shape or not len(batch):
            raise InputError(
                f"a batch of {batch.dtype} {list(batch.shape)} was given; expected float32 "
                f"[B, {', '.join(map(str, shape))}] with at least one image"
            )
