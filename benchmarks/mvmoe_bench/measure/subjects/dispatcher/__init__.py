"""The product: stem, selection on the host, the route's graph alone."""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Laps, Routes
from mvmoe_bench.measure.subjects.contract import (
    Loaded,
    Preparation,
    Stopwatch,
    Subject,
    SubjectKind,
    SubjectLook,
    Traced,
    actual_engine,
)
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.tracing import Trace, TracingDispatcher
from mvmoe_deploy.strategies import find_strategy


class DispatcherSubject(Subject):
    """A dispatcher, its experts loaded as images need them."""

    def __init__(
        self, dispatcher: TracingDispatcher, actual: EngineChoice, images: np.ndarray
    ) -> None:
        self._dispatcher = dispatcher
        self._images = images
        self._rules = dispatcher.bundle.manifest.rules
        self.actual = actual

    def answer(self, query: Query) -> Outputs:
        """As an application asks; only a trace can impose a route."""
        if query.forced:
            return self.trace(query).outputs
        return self._dispatcher.run(self._image(query), **query.choices)

    def trace(self, query: Query) -> Traced:
        """With the time of each part; imposes the route if the query does."""
        forced = query.routes if query.forced else None
        trace = self._dispatcher.trace(self._image(query), forced, query.choices)
        return _traced(trace, len(self._rules))

    def prewarm(self) -> None:
        """Bring in as many experts as may be resident, the most used first."""
        self._dispatcher.prewarm()

    def loads(self) -> Iterator[Loaded]:
        """Every route's graph, the first time and the second: imposed, one stage after another."""
        target = self._dispatcher.target
        stages = self._dispatcher.bundle.manifest.stages
        strategy = find_strategy(target.strategy)
        for graph in target.graphs:
            if graph.route is None or graph.name in self._dispatcher.resident:
                continue
            stage = stages[graph.stage]
            route = strategy.example(stage.routing, graph.route, stage.finishes)
            if route is not None:
                routes = [other.first_route for other in stages[1:]]
                routes[graph.stage - 1] = route
                yield from self._loaded_by(routes)

    def _loaded_by(self, routes: Sequence[Route]) -> Iterator[Loaded]:
        """The graphs that an image with these routes brings into memory."""
        target, resident = self._dispatcher.target, self._dispatcher.resident
        graphs = {(graph.stage, graph.route): graph for graph in target.graphs}
        strategy = find_strategy(target.strategy)
        cold, warm = (self._dispatcher.trace(self._images[:1], routes) for _ in range(2))
        rounds = zip(routes, _times(cold), _times(warm), strict=True)
        for stage, (route, first, second) in enumerate(rounds, start=1):
            ran = [graphs[stage, place] for place in strategy.serving(route)]
            for graph, (load, start), (_, again) in zip(ran, first, second, strict=True):
                if graph.route is not None and graph.name not in resident:
                    yield Loaded(
                        graph=graph.name,
                        stage=stage,
                        route=graph.route,
                        load_ns=load,
                        first_ns=start,
                        warm_ns=again,
                    )

    def close(self) -> None:
        """Release every graph."""
        self._dispatcher.close()

    def _image(self, query: Query) -> np.ndarray:
        return self._images[query.image : query.image + 1]


def _times(trace: Trace) -> list[list[tuple[int, int]]]:
    """By routed stage, for each graph that ran: the time to have it in memory, and that it took."""
    times: list[list[tuple[int, int]]] = []
    load, before = 0, ""
    for name, ns in trace.laps:
        if name == "select" and before != "forced":
            times.append([])
        elif name == "load":
            load = ns
        elif name == "expert":
            times[-1].append((load, ns))
        before = name
    return times


def _traced(trace: Trace, stages: int) -> Traced:
    """A trace with its laps added up by part and routed stage."""
    stem = rest = 0
    parts = {name: [0] * stages for name in ("select", "load", "expert")}
    stage, before = 0, ""
    for name, ns in trace.laps:
        if name == "stem":
            stem += ns
        elif name == "rest":
            rest += ns
        elif name in parts:
            # A stage may run several graphs, but selects one route.
            stage += name == "select" and before == "expert"
            parts[name][stage] += ns
        before = name
    laps = Laps(stem=stem, rest=rest, **{name: tuple(spent) for name, spent in parts.items()})
    # An image that was finished has no route at the stages that it did not reach.
    routes: Routes = (*trace.routes, *[()] * (stages - len(trace.routes)))
    cold = (*trace.cold, *[False] * (stages - len(trace.cold)))
    return Traced(trace.outputs, routes, cold, laps)


class DispatcherKind(SubjectKind):
    """The product: stem, selection on the host, the route's graph alone."""

    name = "dispatcher"
    needs_model = False
    is_started_alone = True
    look = SubjectLook(
        role="product",
        colour="c1",
        description=(
            "the product: runs the stem's graph, selects the route, runs what the route needs"
        ),
    )

    def prepare(self, request: Preparation) -> str:
        """The bundle itself is all it needs."""
        return str(request.bundle.path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> DispatcherSubject:
        """A dispatcher over the bundle, opened step by step as `Dispatcher.open` does."""
        bundle = Bundle.open(
            os.path.realpath(order.root), order.manifest_sha256, plugins=order.plugins
        )
        record = bundle.target(order.of_target)
        watch.lap("parse")
        files = UnchangedFiles.verified(bundle.path, record.files)
        watch.lap("hash")
        runner = open_runner(
            bundle.path, record, order.threads, order.engine_options, plugins=order.plugins
        )
        dispatcher = TracingDispatcher(
            bundle, order.of_target, runner, files=files, max_resident_experts=order.budget
        )
        watch.lap("open")
        return DispatcherSubject(dispatcher, actual_engine(runner), images)


PART = DispatcherKind()
