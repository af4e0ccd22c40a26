"""A dispatcher that says where the time of one image goes, and can impose its route.

For benchmarks and tests: applications use `Dispatcher`, which has nothing of this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from types import MappingProxyType

import numpy as np

from mvmoe_deploy.bundle.graph_stages import STEERING
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route, Rule, gates_of, require_route
from mvmoe_deploy.routing.choices import Choices, chooser_of
from mvmoe_deploy.routing.contract import Selector
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.dispatcher import Dispatcher
from mvmoe_deploy.runtime.timing import Timer


@dataclass(frozen=True)
class Trace:
    """The outputs `[1, ...]` of one image, and where its time went."""

    outputs: Mapping[str, np.ndarray]
    routes: tuple[Route, ...]
    cold: tuple[bool, ...]
    """By routed stage that ran: whether a graph of the route was not in memory before."""
    laps: tuple[tuple[str, int], ...]
    """Names and nanoseconds in order: `stem`, then `select`, `load` and `expert` of each routed
    stage, where several graphs run `load` and `expert` of each; `rest`, copying the image in and
    the answer out, comes first and last. A graph with its routers inside is all `stem`. Where a
    route was imposed, `forced` stands after the first `select` of the stage: it is the time to
    impose the route, and no part of the latency of an image that follows the router."""


class LapRecorder:
    """Keeps each lap, in nanoseconds."""

    def __init__(self) -> None:
        self._laps: list[tuple[str, int]] = []
        self._last = perf_counter_ns()

    @property
    def laps(self) -> tuple[tuple[str, int], ...]:
        """The laps so far."""
        return tuple(self._laps)

    def lap(self, name: str) -> None:
        """Record the time since the last lap as `name`."""
        now = perf_counter_ns()
        self._laps.append((name, now - self._last))
        self._last = now


class TracingDispatcher(Dispatcher):
    """A dispatcher with `trace`."""

    def trace(
        self,
        image: np.ndarray,
        routes: Sequence[Route] | None = None,
        choices: Choices = MappingProxyType({}),
    ) -> Trace:
        """Where the time of one preprocessed image `[1, C, H, W]` (fp32) goes, lap by lap.

        `routes`, one for each routed stage, are taken whatever the router selects, with the gates
        that its logits give them, as in `RoutedModel.forward`. The router's own selection is timed
        all the same; a route that a caller can choose is chosen, as `run` does. Without `routes`
        its `choices` are those of `run`. Raises what `run` does.
        """
        self._require_batch(image)
        if len(image) != 1:
            raise InputError(
                f"{len(image)} images were given; one at a time can be traced",
                name="image",
                given=len(image),
                expected=1,
            )
        imposed = None if routes is None else self._checked_routes(routes)
        routers = self._selectors(choices) if imposed is None else ()
        return self._calls.run(self._trace, image, imposed, routers)

    def _trace(
        self,
        buffers: InferenceBuffers,
        image: np.ndarray,
        imposed: Sequence[Route] | None,
        routers: Sequence[Selector],
    ) -> Trace:
        """One image with a record of its laps."""
        resident = frozenset(self.resident)
        if self._inner is not None and imposed is not None:
            return self._trace_steered(buffers, image, imposed)
        recorder = LapRecorder()
        in_place = self._in_place(buffers, image)
        recorder.lap("rest")
        selectors: Sequence[Selector | _ImposedRoute] = routers
        if imposed is not None:
            pairs = zip(self._rules, imposed, strict=True)
            selectors = [_selector(rule, route, recorder) for rule, route in pairs]
        routes, _, last = self._run_one(buffers, recorder, selectors, in_place)
        outputs = {name: array[:1].copy() for name, array in buffers.results[last].items()}
        recorder.lap("rest")
        if self._inner is not None:
            return Trace(outputs, tuple(self._inner.selected(buffers)[0]), (), recorder.laps)
        ran = enumerate(routes[:last], start=1)
        used = [self._graphs.serving(stage, route) for stage, route in ran]
        cold = tuple(
            any(graph.route is not None and graph.name not in resident for graph in graphs)
            for graphs in used
        )
        return Trace(outputs, tuple(routes), cold, recorder.laps)

    def _trace_steered(
        self, buffers: InferenceBuffers, image: np.ndarray, routes: Sequence[Route]
    ) -> Trace:
        """One image down routes that are imposed on the routers inside of a graph.

        What it takes to find out how is no part of the laps.
        """
        inner, steering = self._inner, buffers.inputs(self._stem)[STEERING][0]
        assert inner is not None

        def logits() -> list[np.ndarray]:
            buffers.image[:1] = image
            self._graphs.call(buffers, self._stem)()
            return inner.logits(buffers)

        try:
            inner.steer(steering, routes, logits)
            traced = self._trace(buffers, image, None, ())
        finally:
            steering[:] = 0
        return replace(traced, routes=tuple(routes))

    def _checked_routes(self, routes: Sequence[Route]) -> list[Route]:
        """One route for each routed stage, or InputError."""
        rules = self.bundle.manifest.rules
        if len(routes) != len(rules):
            raise InputError(
                f"{len(routes)} routes were given; expected {len(rules)}, one for each routed "
                "stage",
                name="routes",
                given=len(routes),
                expected=len(rules),
            )
        for route, rule in zip(routes, rules, strict=True):
            require_route(tuple(route), rule, "the trace")
        return [tuple(route) for route in routes]


def _selector(rule: Rule, route: Route, timer: Timer) -> "Selector | _ImposedRoute":
    """What takes a route at one stage: its caller's choice, or imposed on its router."""
    return chooser_of(rule, route) or _ImposedRoute(rule, route, timer)


@dataclass(frozen=True)
class _ImposedRoute:
    """Selects one route, whatever the rule selects; both are timed."""

    rule: Rule
    route: Route
    timer: Timer

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route, with the gates that logits `[E]` give it."""
        self.rule.select_one(logits)
        self.timer.lap("select")
        gates = gates_of(self.route, logits, self.rule)
        self.timer.lap("forced")
        return self.route, gates
