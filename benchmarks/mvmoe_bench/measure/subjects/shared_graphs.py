"""Graphs that two subjects of a process run: a product's, and those of the floor below it.

Two sessions of one graph lie at different places in memory, which alone makes an answer of 4 ms up
to 0.1 ms faster or slower, in one process the one and in the next the other. What a product takes
above its graphs is less than that. So both run the same ones, whoever has loaded them.
"""

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner
from mvmoe_deploy.runtime.runners import open_runner

_loaded: WeakValueDictionary[tuple[object, ...], LoadedGraph] = WeakValueDictionary()
"""The graphs in memory by the kind of subject that has loaded them, and by all that makes them."""


def open_sharing(root: Path, target: Target, order: SubjectOrder, *, other: str) -> Runner:
    """The runner of an order, which takes graphs from subjects of the kind `other` in this process.

    From no others: of two dispatchers with different budgets each has to load its own. Raises what
    `open_runner` does.
    """
    runner = open_runner(root, target, order.threads, order.engine_options, plugins=order.plugins)
    options = tuple(sorted(order.engine_options.items()))
    makings = str(root), order.of_target, order.threads, options
    return _SharingRunner(runner, order.kind, other, makings)


@dataclass(frozen=True)
class _SharingRunner(Runner):
    """Loads a graph unless a subject of another kind has."""

    runner: Runner
    kind: str
    other: str
    makings: tuple[object, ...]

    @property
    def stands_in_for(self) -> str | None:
        """As the runner."""
        return self.runner.stands_in_for

    @property
    def description(self) -> str:
        """As the runner."""
        return self.runner.description

    @property
    def provider(self) -> str:
        """As the runner."""
        return self.runner.provider

    def load(self, graph: str) -> LoadedGraph:
        """The graph of the other subject, or a new one."""
        found = _loaded.get((self.other, *self.makings, graph))
        if found is None:
            found = self.runner.load(graph)
            _loaded[self.kind, *self.makings, graph] = found
        return found
