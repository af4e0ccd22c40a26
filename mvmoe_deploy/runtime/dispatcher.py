"""The dispatcher: runs the stem, selects the route on the host, runs that route's graph alone."""

import contextlib
import os
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

import numpy as np

from mvmoe_deploy.bundle.bound_weights import budgets_note
from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.bundle.read import Bundle
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.errors import (
    EngineError,
    InputError,
    MvmoeError,
    PartialResultError,
    ProcessBoundError,
    RoutingError,
)
from mvmoe_deploy.preprocessing import ImageLike, prepare
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import Choices, default_selectors, selector_in_turn, selectors
from mvmoe_deploy.routing.contract import Selector
from mvmoe_deploy.runtime.batching import run_grouped
from mvmoe_deploy.runtime.buffers import InferenceBuffers, Step
from mvmoe_deploy.runtime.calls import Calls, engine_work
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.engine_check import Answered, EngineCheck, check_answers
from mvmoe_deploy.runtime.engine_versions import warn_of_untested
from mvmoe_deploy.runtime.graph_cache import GraphCache, Pin
from mvmoe_deploy.runtime.inner_routing import InnerRouting
from mvmoe_deploy.runtime.prediction import Prediction, finite_copies
from mvmoe_deploy.runtime.runners import find_runner, open_runner
from mvmoe_deploy.runtime.timing import LapTimer, Timer
from mvmoe_deploy.system.limits import resource_limits

_Array = np.ndarray
_FLOAT32 = np.dtype(np.float32)


class _Selector(Protocol):
    """Selects the route of one image at one stage, as a routing rule does."""

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of router logits `[E]` (fp32); `[0]` without a router."""


class Dispatcher:
    """Answers images with a bundle's graphs. Thread-safe; close it, or use it in a `with` block.

    It belongs to the process that opened it: a copy, a pickle, or a call in a forked child raises
    ProcessBoundError. What is left open when Python exits is closed then.
    """

    def __init__(
        self,
        bundle: Bundle,
        target: str,
        runner: Runner,
        *,
        files: UnchangedFiles | None = None,
        max_resident_experts: int | None = None,
        max_resident_bytes: int | None = None,
        pin: Iterable[Pin] | Pin = (),
    ) -> None:
        """Over an opened runner; without `files` the bundle's files are trusted as they are."""
        self.bundle = bundle
        self.target = record = bundle.target(target)
        self._strategy = strategy = bundle.strategy(target)
        self._stages = graph_stages(bundle.manifest, record)
        self._rules = tuple(stage.routing for stage in self._stages[1:])
        """Those by which routes are selected between graphs."""
        self._inner = InnerRouting.of(bundle.manifest, record)
        """What is known of routes that are selected inside of a graph."""
        self._routers = default_selectors(self._rules)
        """What selects routes where the caller chooses nothing; None if he has to."""
        self._finishes = [frozenset(stage.finishes) for stage in self._stages]
        self._class_output = class_output(bundle.manifest)
        self._shape = bundle.manifest.input.shape
        self._shape_of_one = (1, *self._shape)
        self._stem = next(graph for graph in record.graphs if graph.stage == 0)
        self._graphs = graphs = GraphCache(
            record,
            strategy,
            self._stages,
            runner,
            files or UnchangedFiles.trusted(bundle.path, record.files),
            pin=pin,
            max_per_stage=max_resident_experts,
            max_bytes=max_resident_bytes,
        )
        self._held_stem = graphs.held(self._stem)
        make_buffers = partial(InferenceBuffers, bundle.manifest, record, strategy)
        self._calls = Calls(make_buffers, self._graphs.clear)
        self._prewarming: threading.Thread | None = None
        self._calls.run(self._load_always)

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
        plugins: bool = False,
    ) -> Self:
        """Open the bundle at `path` and load its stem; experts load when an image needs them.

        `max_resident_experts` bounds the route graphs in memory for each routed stage,
        `max_resident_bytes` the weights of all of them; pinned ones are never released.
        Where graphs take the weights of experts as inputs, neither has an effect, which a
        UserWarning says; there a pin asks the system for the pages of its experts.
        `prewarm` loads experts in the background, the most used first. `verify=False` skips the
        hashes of the files, for a bundle that was verified already. `threads` is what one graph
        may use; None leaves it to the engine. `engine_options` are what only the target's engine
        knows: `{"compute_units": "cpuOnly"}` for Core ML. `manifest_sha256` pins the bundle: one
        with any other manifest is refused (`docs/security.md`). `plugins` allows that the manifest
        names parts of other distributions (a runner, a strategy, a rule), which are then imported.

        The bundle must stay as it is while it is open: an expert that would be loaded from files
        that changed meanwhile raises BundleReplacedError. Links in `path` are followed once, here.

        Where an engine does not exist on this system, a reference evaluator runs instead if one is
        installed: `engine` and `stands_in_for` say so.

        An engine of another version than those that were tested gives an UntestedEngineWarning.

        Raises BundleError, MissingExtraError, EngineError (ResourceLimitError where files, memory
        or threads run out) or InputError.
        """
        with resource_limits(f"bundle {path} cannot be opened"):
            dispatcher = engine_work(
                cls._open,
                # A link or the working directory may change; what graphs are loaded from may not.
                Path(os.path.realpath(path)),
                target,
                threads=threads,
                prewarm=prewarm,
                verify=verify,
                engine_options=engine_options,
                manifest_sha256=manifest_sha256,
                plugins=plugins,
                max_resident_experts=max_resident_experts,
                max_resident_bytes=max_resident_bytes,
                pin=pin,
            )
        if dispatcher._graphs.takes_weights and (max_resident_experts or max_resident_bytes):
            warnings.warn(budgets_note(target), stacklevel=2)
        engine = find_runner(dispatcher.bundle.target(target).format, plugins=plugins)
        warn_of_untested(engine.tested_versions, stacklevel=2)
        return dispatcher

    @classmethod
    def _open(
        cls,
        root: Path,
        target: str,
        *,
        threads: int | None,
        prewarm: bool,
        verify: bool,
        engine_options: Mapping[str, str] | None,
        manifest_sha256: str | None,
        plugins: bool,
        **residency: Any,
    ) -> Self:
        """Open the bundle at a path without links."""
        bundle = Bundle.open(root, manifest_sha256, plugins=plugins)
        record = bundle.target(target)
        take_files = UnchangedFiles.verified if verify else UnchangedFiles.trusted
        files = take_files(bundle.path, record.files)
        runner = open_runner(bundle.path, record, threads, engine_options, plugins=plugins)
        dispatcher = cls(bundle, target, runner, files=files, **residency)
        if prewarm:
            dispatcher.prewarm(wait=False)
        return dispatcher

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or sent to another process."""
        raise ProcessBoundError(
            "a dispatcher cannot be copied or pickled: its graphs are in this process's memory; "
            "send the bundle's path, and open it there"
        )

    def __enter__(self) -> Self:
        self._calls.require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release every graph once calls in flight have ended; later calls raise InputError.

        It may be called from any thread, more than once, and from a signal handler: if that has
        interrupted a call of its own thread, the graphs are released when that call ends.
        """
        self._calls.close()

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
        return self._graphs.resident

    def predict(self, image: ImageLike, /, **choices: str | None) -> Prediction:
        """The answer for one image: a PIL image, a path, a uint8 array `[H, W, C]`, a PixelBuffer.

        `choices` name routes where the model leaves them to its caller: `predict(image,
        task="depth")`. Raises InputError for choices that it does not have, or lacks; ImageError,
        RoutingError, EngineError if the image's expert does not load, and BundleReplacedError if
        that expert's files changed since the bundle was opened.
        """
        return self._calls.run(self._predict, image, self._selectors(choices))

    def run(self, batch: np.ndarray, /, **choices: str | None) -> dict[str, np.ndarray]:
        """The outputs `[B, ...]` by name of preprocessed images `[B, C, H, W]` (fp32).

        `choices` are those of all images, as `predict` has them. Images are grouped by route, so
        that an expert that has to be loaded is loaded once.

        Raises InputError for another shape or type, or other choices, RoutingError for router
        logits or answers that are not finite, PartialResultError (with the other images' answers)
        if an expert does not load, and BundleReplacedError if an expert's files changed since the
        bundle was opened.
        """
        # What nearly every batch is, in as few steps as can be: see `_run_one`.
        if (
            type(batch) is not _Array
            or batch.shape != self._shape_of_one
            or batch.dtype is not _FLOAT32
        ):
            self._require_batch(batch)
        selectors = None if choices else self._routers
        return self._calls.run(self._run, batch, selectors or self._selectors(choices))

    def check(self) -> EngineCheck:
        """Answer the bundle's golden images with this engine, and say how far it is off.

        Ask after opening, and again after a minute of work; `require_ok` of what it gives raises
        CheckFailedError with the figures if the engine falls short. Raises BundleError if the
        golden vectors are damaged, EngineError if an expert does not load.
        """
        golden = self.bundle.golden()
        answered = self._calls.run(self._answer_golden, golden["image"])
        return check_answers(golden, answered, self.bundle.manifest, self.target)

    def prewarm(self, wait: bool = True) -> None:
        """Load pinned experts, then others by the usage prior, as many as fit; run each once.

        With `wait=False` in a background thread, which `close` or the end of the program stops
        after the load that it is at. An expert that does not load is skipped here: the images that
        need it raise its error.
        """
        self._calls.require_open()
        if wait:
            self._calls.run(self._prewarm)
        elif self._prewarming is None or not self._prewarming.is_alive():
            # No daemon: Python waits for it at exit, where ending a thread inside an engine would
            # crash.
            prewarming = threading.Thread(
                target=self._prewarm_in_background, name="mvmoe-prewarm", daemon=False
            )
            with resource_limits("prewarming cannot begin"):
                prewarming.start()
            # Another thread may have begun one as well: the second finds everything loaded.
            self._prewarming = prewarming

    def _load_always(self, buffers: InferenceBuffers) -> None:
        """Bring in what every image runs, and bind it."""
        for graph in self.target.graphs:
            if graph.stage and self._graphs.takes_weights:
                self._graphs.load(graph)  # It is bound to the weights of a route.
            elif graph.route is None:
                self._graphs.call(buffers, graph)

    def _selectors(self, choices: Choices) -> Sequence[Selector]:
        """What selects the routes of a call with these choices; raises InputError."""
        if self._routers is not None and not choices:
            return self._routers
        return selectors(self._rules, choices)

    def _predict(
        self, buffers: InferenceBuffers, image: ImageLike, selectors: Sequence[Selector]
    ) -> Prediction:
        """The answer for one image."""
        timer = LapTimer()
        prepared = prepare(image, self.bundle.manifest.input, out=buffers.image[0])
        timer.lap("preprocess")
        routes, gates, last = self._run_one(buffers, timer, selectors)
        if self._inner is not None:
            routes, gates = self._inner.selected(buffers)
        outputs = finite_copies(buffers.first_results[last])
        return Prediction(
            outputs={name: array[0] for name, array in outputs.items()},
            routes=tuple(routes),
            stage_gates=tuple(gates),
            last_stage=self._stages[last].name,
            transform=prepared.transform,
            timings=timer.timings(),
            class_output=self._class_output,
        )

    def _run(
        self, buffers: InferenceBuffers, batch: np.ndarray, selectors: Sequence[Selector]
    ) -> dict[str, np.ndarray]:
        """The outputs of a batch."""
        if len(batch) > 1:
            outputs = self.bundle.manifest.outputs
            return run_grouped(
                self._graphs, buffers, self._stages, outputs, selectors, images=batch
            )
        try:
            _, _, last = self._run_one(buffers, None, selectors, self._in_place(buffers, batch))
        except EngineError as error:
            results = buffers.results[-1]
            answers = {name: np.full_like(array[:1], np.nan) for name, array in results.items()}
            raise PartialResultError.of({0: error}, answers, images=1) from error
        return finite_copies(buffers.first_results[last])

    def _answer_golden(self, buffers: InferenceBuffers, images: np.ndarray) -> list[Answered]:
        """What the graphs make of preprocessed images `[n, C, H, W]`, one at a time.

        Where the caller chooses, they take what may be chosen in turn.
        """
        answered = []
        for number, image in enumerate(images):
            in_turn = [selector_in_turn(rule, number) for rule in self._rules]
            routes: Sequence[Route] = ()
            last = len(self._rules)
            buffers.image[0] = image
            # Logits that are not finite end the way here; they are infinitely far off.
            with contextlib.suppress(RoutingError):
                routes, _, last = self._run_one(buffers, None, in_turn)
                routes = routes if self._inner is None else self._inner.selected(buffers)[0]
            rows = buffers.first_logits if self._inner is None else self._inner.logits(buffers)
            logits = [row.copy() for row in rows]
            outputs = {name: array[0].copy() for name, array in buffers.results[last].items()}
            answered.append(Answered(routes, logits, outputs))
        return answered

    def _prewarm_in_background(self) -> None:
        """Prewarm and drop errors: the images that need an expert raise those of its load."""
        with contextlib.suppress(MvmoeError):
            self._calls.run(self._prewarm)

    def _prewarm(self, buffers: InferenceBuffers) -> None:
        """Load what fits, the most used first, and run it on whatever is in the buffers."""
        main = threading.main_thread()
        if self._graphs.takes_weights:
            self._prewarm_bound(buffers)
        for graph in self._by_usage():
            # Python joins this thread once its main one has ended.
            if self._calls.closing or not main.is_alive():
                return
            if self._graphs.has_room(graph):
                with contextlib.suppress(EngineError):
                    self._graphs.call(buffers, graph, slot=self._first_slot(graph))()

    def _prewarm_bound(self, buffers: InferenceBuffers) -> None:
        """Run every graph that takes weights with those of the route that is used most."""
        prior = self.bundle.manifest.usage_prior
        for graph in self.target.graphs:
            if not graph.stage or self._calls.closing:
                continue
            stage = self._stages[graph.stage]
            used = [] if prior is None else prior[graph.stage - 1]
            routes = [
                item.route
                for item in sorted(used, key=lambda item: -item.share)
                if item.route not in stage.finishes
                and self._strategy.serving(item.route)[-1] == graph.route
            ]
            example = self._strategy.example(stage.routing, graph.route, stage.finishes)
            route = next(iter(routes), example)
            self._graphs.call(buffers, graph, route)()

    def _first_slot(self, graph: Graph) -> int | None:
        """Slot 0 for a graph that fills slots of another; None for every other routed graph."""
        rule = self._rules[graph.stage - 1]
        return 0 if self._strategy.is_joined(rule, graph.route) else None

    def _by_usage(self) -> list[Graph]:
        """The route graphs, pinned ones first, in descending order of their share of images."""
        if not self._graphs.routed:
            return []
        prior = self.bundle.manifest.usage_prior or ()
        shares: dict[tuple[int, Route | None], float] = {}
        for stage, items in enumerate(prior, start=1):
            for item in items:
                if item.route in self._finishes[stage]:
                    continue
                for place in self._strategy.serving(item.route):
                    shares[stage, place] = shares.get((stage, place), 0.0) + item.share
        return sorted(
            self._graphs.routed,
            key=lambda graph: (
                graph.name not in self._graphs.pinned,
                -shares.get((graph.stage, graph.route), 0.0),
            ),
        )

    def _in_place(self, buffers: InferenceBuffers, batch: np.ndarray) -> np.ndarray | None:
        """A batch of one image if the stem can read it where it lies, else None; it is copied."""
        if buffers.is_image_of_stem_alone and self.target.batch == 1 and batch.flags.carray:
            return batch
        buffers.image[:1] = batch
        return None

    def _run_one(  # noqa: PLR0912  A method of its own for a stage is a call more.
        self,
        buffers: InferenceBuffers,
        timer: Timer | None,
        selectors: Sequence[_Selector],
        image: np.ndarray | None = None,
    ) -> tuple[list[Route], list[tuple[float, ...]], int]:
        """Take one image through the stages, until it is finished.

        That is the first one in the buffers, unless one is given that the stem reads in place.
        Gives its routes and gates, and the stage that ran last. Between two graphs the caches are
        full of weights and every line here runs cold: what takes a microsecond in a loop takes
        ten. So there is as little of it as possible.
        """
        graphs = self._graphs
        advises, uses = graphs.takes_weights, graphs.uses
        if image is None:
            graphs.call(buffers, self._stem)()
        else:
            stem = self._held_stem.value
            on_image = None if stem is None else stem.calls_on_image.get(buffers.token)
            (on_image or graphs.call_on_image(buffers, self._stem))(image)
        if timer is not None:
            timer.lap("stem")
        routes: list[Route] = []
        gates: list[tuple[float, ...]] = []
        stage = 0
        for selector in selectors:
            route, gate = selector.select_one(buffers.first_logits[stage])
            routes.append(route)
            gates.append(gate)
            step = buffers.known[stage].get(route) or self._first_step(buffers, stage + 1, route)
            if step is None:
                if timer is not None:
                    timer.lap("select")
                break
            stage += 1
            if advises:
                graphs.advise(stage, route)
            write, places = step
            write(gate)
            if timer is not None:
                timer.lap("select")
            for held, key, graph, slot in places:  # One, unless it joins several.
                # Both are set before a load: what ran before may be evicted for it, and goes then.
                bound = held.value
                call = None if bound is None else bound.calls.get(key)
                if call is None:
                    call = graphs.call(buffers, graph, route, slot)
                else:
                    held.last_use = next(uses)
                if timer is not None:
                    timer.lap("load")
                call()
                if timer is not None:
                    timer.lap("expert")
        return routes, gates, stage

    def _first_step(self, buffers: InferenceBuffers, stage: int, route: Route) -> Step | None:
        """What the first image of a route takes at a stage; None if the route finishes images."""
        if route in self._finishes[stage]:
            return None
        graphs = self._graphs
        *experts, last = graphs.serving(stage, route)
        places = [graphs.place(buffers, expert, route, slot) for slot, expert in enumerate(experts)]
        return buffers.learn((*places, graphs.place(buffers, last, route)), route)

    def _require_batch(self, batch: np.ndarray) -> None:
        """Refuse what is not a batch of preprocessed images."""
        shape = self._shape
        if not isinstance(batch, np.ndarray):
            raise InputError(
                f"a batch of type {type(batch).__name__} was given; expected a NumPy array of "
                f"float32 [B, {', '.join(map(str, shape))}]",
                code="input.shape",
                expected=list(shape),
                found=type(batch).__name__,
            )
        if batch.dtype != _FLOAT32 or batch.ndim != 4 or batch.shape[1:] != shape or not len(batch):
            raise InputError(
                f"a batch of {batch.dtype} {list(batch.shape)} was given; expected float32 "
                f"[B, {', '.join(map(str, shape))}] with at least one image",
                code="input.shape",
                expected=list(shape),
                found=list(batch.shape),
            )
