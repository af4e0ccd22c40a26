"""What all subjects share that run a whole model as one graph of a target."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.subjects.contract import Stopwatch, Subject, actual_engine
from mvmoe_bench.measure.subjects.graph_sets import GraphSet
from mvmoe_deploy.runtime.memory import return_free_memory

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
