"""Subjects that run a whole model as one graph of a target, or as one for each route.

The graphs run through the product's own runners, with their options and their bindings, so that
only what is compared differs. No PyTorch here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Routes
from mvmoe_bench.measure.subjects.contract import (
    Answers,
    Preparation,
    Stopwatch,
    Subject,
    SubjectKind,
    SubjectLook,
    actual_engine,
)
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.runtime.freed_memory import return_free_memory
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.runtime.runners import open_runner

RECORD = "record.json"
"""The file that describes the graphs of a directory, as a manifest would."""
ONE_GRAPH = "whole_model"

Pick = Callable[[Query], str]
"""The name of the graph that answers a query."""


def graph_name(routes: Routes) -> str:
    """What the static graph of a route, or of a route for each routed stage, is called."""
    stages = ("_".join(f"e{expert}" for expert in route) for route in routes)
    return f"static_{'__'.join(stages)}"


class WholeModel(Subject):
    """Graphs from image to answer; each is loaded when it is made, if `queries` need it."""

    def __init__(
        self, order: SubjectOrder, images: np.ndarray, pick: Pick, watch: Stopwatch
    ) -> None:
        root = Path(order.root)
        record = msgspec.json.decode((root / RECORD).read_bytes(), type=Target)
        runner = open_runner(
            root, record, order.threads, order.engine_options, plugins=order.plugins
        )
        graph = record.graphs[0]
        inputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.inputs}
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
        self._input, self._outputs = inputs["image"], outputs
        self._images = images
        self._pick = pick
        # Many queries are answered by the same graph, which is loaded once.
        names = dict.fromkeys(map(pick, order.queries))
        self._calls = {name: runner.load(name).bind(inputs, outputs) for name in names}
        self.actual = actual_engine(runner)
        watch.lap("open")

    def answer(self, query: Query) -> Outputs:
        """As `Dispatcher.run` does: the image goes into the bound buffer, outputs are copies."""
        call = self._calls[self._pick(query)]
        np.copyto(self._input, self._images[query.image : query.image + 1], casting="same_kind")
        call()
        return {name: array.copy() for name, array in self._outputs.items()}

    def close(self) -> None:
        """Release every graph."""
        self._calls.clear()
        return_free_memory()


@dataclass(frozen=True)
class OneGraphKind(SubjectKind):
    """A subject that answers every image by one graph of the whole model."""

    name: str
    module: str
    """The class of `fused.py` that the graph is exported from."""
    look: SubjectLook
    answers: Answers = "imposed"
    is_started_alone: bool = False

    def prepare(self, request: Preparation) -> str:
        """Export the graph by the target's own exporter."""
        from mvmoe_bench.measure.subjects.making import make_graph

        path: Path = request.folder / self.name
        make_graph(request, self.module, path)
        return str(path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
        """The one graph that answers every image."""
        return WholeModel(order, images, lambda query: ONE_GRAPH, watch)
