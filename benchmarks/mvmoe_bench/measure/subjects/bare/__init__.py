"""The bundle's own graphs one after the other, everything known and bound beforehand."""

import os
from collections.abc import Callable, Mapping

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Routes
from mvmoe_bench.measure.subjects.contract import (
    Preparation,
    Stopwatch,
    Subject,
    SubjectKind,
    SubjectLook,
    actual_engine,
)
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.manifest import IMAGE, Graph, Target
from mvmoe_deploy.routing import Route, gates_of
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import slot_input

_Arrays = Mapping[str, np.ndarray]
_Calls = list[Callable[[], None]]
_Answering = tuple[_Calls, _Arrays]
"""The calls that answer one query, and where its answer lies afterwards."""


class BareGraphs(Subject):
    """The graphs of each query's route, bound to inputs that hold its gates already."""

    def __init__(self, bundle: Bundle, target: str, runner: Runner, images: np.ndarray) -> None:
        record = bundle.target(target)
        self.actual = actual_engine(runner)
        self._stages = graph_stages(bundle.manifest, record)
        self._strategy = bundle.strategy(target)
        self._runner, self._images = runner, images
        self._weights = StoredWeights(bundle.path, record)
        self._buffers = InferenceBuffers(bundle.manifest, record, self._strategy)
        self._graphs = _by_place(record)
        self._loaded: dict[str, LoadedGraph] = {}
        self._known: dict[tuple[int, Routes | None], _Answering] = {}

    def answer(self, query: Query) -> Outputs:
        """The graphs, and a copy of what they give: images are read where they lie."""
        calls, outputs = self._known[query.image, query.routes]
        for call in calls:
            call()
        return {name: array.copy() for name, array in outputs.items()}

    def learn(self, query: Query) -> None:
        """Find out which graphs and gates a query needs, by answering it once."""
        image = self._images[query.image : query.image + 1]
        tensors, stem = {**self._buffers.tensors, IMAGE: image}, self._graphs[0, None]
        calls, last = [self._bind(stem, (), self._inputs(stem, tensors))], 0
        calls[0]()
        for number, stage in enumerate(self._stages[1:], start=1):
            logits = self._buffers.first_logits[number - 1]
            rule = stage.routing
            route = query.routes[number - 1] if query.routes else rule.select_one(logits)[0]
            if route in stage.finishes:
                break
            found = self._stage(number, route, gates_of(route, logits, rule), tensors)
            for call in found:
                call()
            calls += found
            last = number
        self._known[query.image, query.routes] = calls, self._buffers.results[last]

    def close(self) -> None:
        """Release every graph."""
        self._known.clear()
        self._loaded.clear()

    def _stage(
        self, number: int, route: Route, gates: tuple[float, ...], tensors: _Arrays
    ) -> _Calls:
        """The calls of one stage: those of experts that another graph joins, and the last."""
        *experts, last = (self._graphs[number, place] for place in self._strategy.serving(route))
        inputs = self._inputs(last, tensors)
        self._strategy.write(inputs, 0, route, gates)
        calls = []
        for slot, expert in enumerate(experts):
            given = {spec.name: inputs[slot_input(slot, spec.name)] for spec in expert.outputs}
            calls.append(self._bind(expert, route, self._inputs(expert, tensors), given))
        return [*calls, self._bind(last, route, inputs)]

    def _inputs(self, graph: Graph, tensors: _Arrays) -> dict[str, np.ndarray]:
        """What a graph takes beside weights: tensors of stages before, and arrays of its own."""
        takes = self._stages[graph.stage].takes
        return {
            spec.name: tensors[takes[spec.name]]
            if spec.name in takes
            else np.zeros(spec.shape, spec.dtype)
            for spec in graph.inputs
            if spec.name not in graph.bound
        }

    def _bind(
        self,
        graph: Graph,
        route: Route,
        inputs: _Arrays,
        outputs: _Arrays | None = None,
    ) -> Callable[[], None]:
        """A call of a graph, which is loaded the first time."""
        if graph.name not in self._loaded:
            self._loaded[graph.name] = self._runner.load(graph.name)
        weights = self._weights.inputs(graph, route) if route else {}
        given = self._buffers.outputs[graph.stage] if outputs is None else outputs
        return self._loaded[graph.name].bind({**inputs, **weights}, given)


def _by_place(target: Target) -> dict[tuple[int, Route | None], Graph]:
    """Graphs by stage and route."""
    return {(graph.stage, graph.route): graph for graph in target.graphs}


class BareKind(SubjectKind):
    """The bundle's own graphs one after the other, everything known and bound beforehand."""

    name = "bare"
    needs_model = False
    look = SubjectLook(
        role="oracle",
        colour="c5",
        description="the same graphs with nothing between them: routes, gates and bindings known",
        ratio_meaning="what the dispatcher adds to its graphs",
        is_floor=True,
    )

    def prepare(self, request: Preparation) -> str:
        """The bundle itself is all it needs."""
        return str(request.bundle.path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> BareGraphs:
        """The graphs that its queries need, loaded and bound."""
        bundle = Bundle.open(
            os.path.realpath(order.root), order.manifest_sha256, plugins=order.plugins
        )
        record = bundle.target(order.of_target)
        runner = open_runner(
            bundle.path, record, order.threads, order.engine_options, plugins=order.plugins
        )
        subject = BareGraphs(bundle, order.of_target, runner, images)
        for query in order.queries:
            subject.learn(query)
        watch.lap("open")
        return subject


PART = BareKind()
