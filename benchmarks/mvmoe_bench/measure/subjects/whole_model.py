"""What all subjects share that run a whole model as one graph of a target."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.subjects.contract import (
    Preparation,
    Stopwatch,
    Subject,
    SubjectLook,
    actual_engine,
)
from mvmoe_bench.measure.subjects.graph_sets import GraphSet
from mvmoe_deploy.runtime.memory import return_free_memory

ONE_GRAPH = "whole_model"

Pick = Callable[[Query], str]
"""The name of the graph that answers a query."""


class WholeModel(Subject):
    """Graphs from image to answer; each is loaded when it is made, if `queries` need it."""

    def __init__(
        self, order: SubjectOrder, images: np.ndarray, pick: Pick, watch: Stopwatch
    ) -> None:
        self._graphs = GraphSet(Path(order.root)).open(order.threads, order.engine_options)
        self._images = images
        self._pick = pick
        # Many queries are answered by the same graph, which is loaded once.
        names = dict.fromkeys(map(pick, order.queries))
        self._calls = {name: self._graphs.load(name) for name in names}
        self.actual = actual_engine(order, self._graphs.runner)
        watch.lap("open")

    def answer(self, query: Query) -> np.ndarray:
        """The one graph's."""
        return self._calls[self._pick(query)](self._images[query.image : query.image + 1])

    def close(self) -> None:
        """Release every graph."""
        self._calls.clear()
        return_free_memory()


@dataclass(frozen=True)
class OneGraphKind:
    """A subject that answers every image by one graph of the whole model."""

    name: str
    module: str
    """The class of `fused.py` that the graph is exported from."""
    answers: Literal["imposed", "own"] | None
    look: SubjectLook
    is_started_alone: bool = False
    per_target: bool = True
    needs_model: bool = True
    holds_one_route: bool = False

    def prepare(self, request: Preparation) -> str:
        """Export the graph by the target's own exporter."""
        from mvmoe_bench.measure.subjects.making import make_graph

        path: Path = request.folder / self.name
        make_graph(request, self.module, path)
        return str(path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> WholeModel:
        """The one graph that answers every image."""
        return WholeModel(order, images, lambda query: ONE_GRAPH, watch)
