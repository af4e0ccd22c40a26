"""The graphs of one target in memory: which graph a route needs, and the call that runs it."""

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from mvmoe_deploy.bundle.manifest import IMAGE, File, Graph, Stage, Target
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.errors import BundleError, EngineError, InputError, ResourceLimitError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.bound_graph import BoundGraph, Place
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.contract import PreparesWeights, Runner, bind_from
from mvmoe_deploy.runtime.freed_memory import return_free_memory
from mvmoe_deploy.runtime.residency import Item, ItemSlot, Residency
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import Strategy
from mvmoe_deploy.text import quoted

Pin = str | int | Route
"""A graph's name, or a route of every routed stage (an int is the route of one expert).

A route is all of its graphs, where the strategy has several.
"""


_MOST_BINDINGS = 256
"""Bindings of a graph to the weights of routes that are kept; making one takes microseconds."""

_MOST_PREPARED = 256
"""Experts of a stage whose weights are prepared: it takes microseconds each."""

_MOST_SHOWN = 16
"""Experts in a message."""


class GraphCache:
    """Graphs that every image runs stay loaded; those of single routes come and go.

    What is loaded is what was verified: a graph whose files changed since is refused, and so are
    weights that are bound to a graph later.
    """

    def __init__(
        self,
        target: Target,
        strategy: Strategy,
        stages: Sequence[Stage],
        runner: Runner,
        files: UnchangedFiles,
        *,
        pin: Iterable[Pin] | Pin,
        max_per_stage: int | None,
        max_bytes: int | None,
    ) -> None:
        self.runner = runner
        self._strategy = strategy
        self._files = files
        self._weights_file = tuple(file for file in target.files if file.path == target.weights)
        self._weights = StoredWeights(
            files.root, target, partial(_require_opened, files, self._weights_file)
        )
        self._experts = target.experts
        self._routed_stages = stages[1:]
        self.takes_weights = strategy.binds_weights
        """Whether the weights of experts are bound to graphs, instead of being in them."""
        self._checked: set[tuple[int, int]] = set()
        """Experts whose weights were bound, by stage and number, and are those of the manifest."""
        self._advised: dict[int, Route] = {}
        self._by_stage = _by_route(target.graphs)
        # Graphs that weights are bound to serve many routes each: they stay, and which weights are
        # in memory is the system's to decide.
        kept = strategy.binds_weights
        self.routed = tuple(g for g in target.graphs if g.route is not None and not kept)
        self._always = tuple(g.name for g in target.graphs if g.route is None or kept)
        pins = [pin] if isinstance(pin, str | int) else pin
        self.pinned = frozenset(graph.name for item in pins for graph in self._pin(item))
        # Graphs that every image runs take no part in the budgets of the others.
        items = {graph.name: Item(graph.stage, graph.weight_bytes) for graph in self.routed}
        self._residency: Residency[BoundGraph] = Residency(
            items | {name: Item(0, 0) for name in self._always},
            _VerifiedLoader(target, runner, files),
            evicted=return_free_memory,
            pinned=self.pinned.union(self._always),
            max_per_group=max_per_stage,
            max_bytes=max_bytes,
        )
        self.uses = self._residency.uses

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the graphs of single routes in memory, the least recently used first."""
        return tuple(name for name in self._residency.resident if name not in self._always)

    def graph(self, stage: int, route: Route | None = None) -> Graph:
        """The graph that gives what `stage` gives for images of `route`."""
        return self._by_stage[stage][None] if route is None else self.serving(stage, route)[-1]

    def serving(self, stage: int, route: Route) -> tuple[Graph, ...]:
        """The graphs that images of `route` run at `stage`, in order.

        All but the last fill its slots, the first one slot 0.
        """
        graphs = self._by_stage[stage]
        return tuple(graphs[place] for place in self._strategy.serving(route))

    def has_room(self, graph: Graph) -> bool:
        """Whether a graph is in memory or fits without evicting another."""
        return self._residency.has_room(graph.name)

    def key(self, graph: Graph, route: Route) -> tuple[str, Route | None]:
        """Identifies a call: images with the same key are run by the same call."""
        return graph.name, route if graph.bound else None

    def load(self, graph: Graph) -> None:
        """Load a graph if it is cold; raises as `call` does.

        Of weights that are bound to it what can be made beforehand is: the first image of a route
        has then less to wait for. What is wrong with their file is said when they are bound.
        """
        loaded = self._residency.get(graph.name).graph
        if graph.bound and isinstance(loaded, PreparesWeights):
            places = 1 + max(bound.place for bound in graph.bound.values())
            with contextlib.suppress(BundleError, ResourceLimitError):
                if self._weights.map():
                    for number in self._with_weights(graph):
                        loaded.prepare(self._weights.inputs(graph, (number,) * places))

    def _with_weights(self, graph: Graph) -> list[int]:
        """The first experts that have what is bound; one whose routes finish an image may not."""
        names = {bound.tensor for bound in graph.bound.values()}
        experts = self._experts[graph.stage - 1][:_MOST_PREPARED]
        return [number for number, expert in enumerate(experts) if names <= expert.tensors.keys()]

    def call(
        self,
        buffers: InferenceBuffers,
        graph: Graph,
        route: Route | None = None,
        slot: int | None = None,
    ) -> Callable[[], None]:
        """What runs a graph on buffers for images of a route; loads the graph if it is cold.

        What it gives goes into a `slot` of the graph that joins, or is what its stage gives.
        Raises EngineError that names the graph if it does not load, BundleReplacedError if its
        files are not those that were there when the bundle was opened.
        """
        bound = self._residency.get(graph.name)
        key = _key(buffers, graph, route, slot)
        call = bound.calls.get(key)
        if call is None:
            inputs, outputs = buffers.inputs(graph), buffers.outputs_of(graph, slot)
            if graph.bound and route is not None:
                inputs = inputs | self._weights_of(graph, route)
                _forget_some(bound.calls)
            call = bound.calls[key] = bound.graph.bind(inputs, outputs)
        return call

    def place(
        self,
        buffers: InferenceBuffers,
        graph: Graph,
        route: Route | None = None,
        slot: int | None = None,
    ) -> Place:
        """Where `call`, asked the same, finds what it gives once it has been asked."""
        return Place(self.held(graph), _key(buffers, graph, route, slot), graph, slot)

    def held(self, graph: Graph) -> ItemSlot[BoundGraph]:
        """The place of a graph in memory, which stays the same while the graph comes and goes."""
        return self._residency.slot(graph.name)

    def call_on_image(
        self, buffers: InferenceBuffers, graph: Graph
    ) -> Callable[[np.ndarray], None]:
        """As `call`, of the graph of the stem, on an image that it is given; it is bound to none.

        The image is contiguous, and stays as it is until the call has returned.
        """
        bound = self._residency.get(graph.name)
        call = bound.calls_on_image.get(buffers.token)
        if call is None:
            outputs = buffers.outputs_of(graph, None)
            call = bind_from(bound.graph, buffers.inputs(graph), outputs, IMAGE)
            bound.calls_on_image[buffers.token] = call
        return call

    def _weights_of(self, graph: Graph, route: Route) -> dict[str, np.ndarray]:
        """The weights that a graph takes for a route, from the file that was verified.

        Experts that were bound before lie where they were checked: in the mapping, or read.
        """
        wanted = {(graph.stage, number) for number in route}
        if wanted <= self._checked:
            return self._weights.inputs(graph, route)
        # What is not mapped yet is opened and read between two looks at its path.
        if not self._weights.is_mapped:
            self._files.require(self._weights_file)
        weights = self._weights.inputs(graph, route)
        self._files.require(self._weights_file)
        self._checked |= wanted
        return weights

    def clear(self) -> None:
        """Release everything."""
        self._residency.clear()

    def advise(self, stage: int, route: Route) -> None:
        """Let the system read the weights of a route's experts, which are needed soon.

        Not again for the route of the image before. What is wrong with the file is said when the
        weights are bound.
        """
        if self._advised.get(stage) != route:
            self._advised[stage] = route
            with contextlib.suppress(BundleError, ResourceLimitError):
                self._weights.advise(stage, route)

    def _pin(self, pin: Pin) -> list[Graph]:
        """The graphs that a pin names; raises InputError if there are none.

        Where weights are bound there is no such graph: the weights of the experts are asked for.
        """
        route = (pin,) if isinstance(pin, int) else pin
        if not self._strategy.binds_weights:
            return self._matching(pin, route)
        wanted = route if isinstance(route, tuple) else ()
        stages = [
            stage
            for stage, record in enumerate(self._routed_stages, start=1)
            if wanted and set(wanted).issubset(record.routing.usable)
        ]
        if not stages:
            raise self._no_such_pin(pin)
        for stage in stages:
            self._weights.advise(stage, wanted)
        return []

    def _matching(self, pin: Pin, route: Pin) -> list[Graph]:
        """The graphs of single routes that a pin names; raises InputError if there are none."""
        places = self._strategy.serving(route) if isinstance(route, tuple) else ()
        wanted = [place for place in places if place is not None]
        found = [graph for graph in self.routed if pin == graph.name or graph.route in wanted]
        if not found or not {graph.route for graph in found}.issuperset(wanted):
            raise self._no_such_pin(pin)
        return found

    def _no_such_pin(self, pin: Pin) -> InputError:
        """The error for what cannot be pinned; of dropped experts it says which are usable."""
        parts = pin if isinstance(pin, tuple) else (pin,)
        experts = {part for part in parts if isinstance(part, int)}
        dropping = [
            f" (routes of {stage.name} have the experts "
            f"{quoted(list(stage.routing.usable[:_MOST_SHOWN]))} alone)"
            for stage in self._routed_stages
            if experts.intersection(range(stage.routing.experts)).difference(stage.routing.usable)
        ]
        return InputError(
            f"{pin!r} cannot be pinned: the bundle has no such route or graph{''.join(dropping)}; "
            "give an expert's number, a tuple of them, or the name of a routed graph",
            code="routing.unknown-route",
        )


def _key(buffers: InferenceBuffers, graph: Graph, route: Route | None, slot: int | None) -> object:
    """Identifies the binding of a graph to buffers, and to the weights of a route."""
    key = buffers.token if slot is None else (buffers.token, slot)
    return (key, route) if graph.bound else key


def _require_opened(
    files: UnchangedFiles, weights: tuple[File, ...], opened: os.stat_result
) -> None:
    """Raise BundleReplacedError unless the file of weights that was opened is the verified one.

    Another one may be at its path just while it is opened, and not before or after. No method: a
    dispatcher that nobody holds any more must be freed at once, without a cycle.
    """
    for file in weights:
        files.require_opened(file, opened)


def _forget_some(calls: dict[object, Callable[[], None]]) -> None:
    """Make room for another route's binding: there may be far more routes than memory holds."""
    while len(calls) >= _MOST_BINDINGS:
        # Another thread may have dropped the same one.
        calls.pop(next(iter(list(calls)), None), None)


class _VerifiedLoader:
    """Loads graphs of one target; checks their files before and after each load."""

    def __init__(self, target: Target, runner: Runner, files: UnchangedFiles) -> None:
        self._runner = runner
        self._files = files
        self._files_of = _GraphFiles(target)

    def __call__(self, name: str) -> "BoundGraph":
        """A graph; raises EngineError that names it, BundleReplacedError."""
        listed = self._files_of[name]
        self._files.require(listed)
        try:
            graph = self._runner.load(name)
        except EngineError:
            self._files.require(
                listed
            )  # If they were replaced during the load, that is the reason.
            raise
        self._files.require(listed)
        return BoundGraph(graph)


def _by_route(graphs: Iterable[Graph]) -> dict[int, dict[Route | None, Graph]]:
    """For each stage its graphs by route; None is the key of a graph that serves every route."""
    result: dict[int, dict[Route | None, Graph]] = {}
    for graph in graphs:
        result.setdefault(graph.stage, {})[graph.route] = graph
    return result


class _GraphFiles:
    """The files that an engine reads for each graph: its own, and those of no single graph.

    They are put together when they are asked for: all at once could be graphs times files.
    """

    def __init__(self, target: Target) -> None:
        self._own: dict[str, list[File]] = {graph.file: [] for graph in target.graphs}
        self._shared: list[File] = []
        self._sources = {graph.name: graph.file for graph in target.graphs}
        for file in target.files:
            owner = next((path for path in _ancestry(file.path) if path in self._own), None)
            (self._shared if owner is None else self._own[owner]).append(file)

    def __getitem__(self, graph: str) -> tuple[File, ...]:
        """Those of a graph, by its name."""
        return (*self._own[self._sources[graph]], *self._shared)


def _ancestry(path: str) -> list[str]:
    """A path and the directories above it."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
