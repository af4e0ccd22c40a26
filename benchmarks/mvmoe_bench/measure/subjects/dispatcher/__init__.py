"""The product: stem, selection on the host, the route's graph alone."""

import os
from collections.abc import Iterable, Iterator

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
from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.tracing import Trace, TracingDispatcher


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
        graphs = self._dispatcher.target.graphs
        first = _first_routes(graphs)
        for graph in graphs:
            if graph.route is None:
                continue
            routes = tuple((first | {graph.stage: graph.route}).values())
            query = Query(image=0, routes=routes, forced=True)
            cold, warm = self.trace(query), self.trace(query)
            if cold.cold[graph.stage - 1]:
                step = graph.stage - 1
                yield Loaded(
                    graph=graph.name,
                    stage=graph.stage,
                    route=graph.route,
                    load_ns=cold.laps.load[step],
                    first_ns=cold.laps.expert[step],
                    warm_ns=warm.laps.expert[step],
                )

    def close(self) -> None:
        """Release every graph."""
        self._dispatcher.close()

    def _image(self, query: Query) -> np.ndarray:
        return self._images[query.image : query.image + 1]


def _first_routes(graphs: Iterable[Graph]) -> dict[int, Route]:
    """The first route of each stage whose graphs are of one route each."""
    first: dict[int, Route] = {}
    for graph in graphs:
        if graph.route is not None:
            first.setdefault(graph.stage, graph.route)
    return first


def _traced(trace: Trace, stages: int) -> Traced:
    """A trace with its laps added up by part and routed stage."""
    stem = rest = 0
    parts = {name: [0] * stages for name in ("select", "load", "expert")}
    stage = 0
    for name, ns in trace.laps:
        if name == "stem":
            stem += ns
        elif name == "rest":
            rest += ns
        elif name in parts:
            parts[name][stage] += ns
            stage += name == "expert"
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
