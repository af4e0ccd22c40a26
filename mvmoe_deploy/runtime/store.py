"""The graphs that a runner holds: each opened once, until it is released."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.runtime.memory import return_free_memory

T = TypeVar("T")


class GraphStore(Generic[T]):
    """Loaded graphs by name. What opens one is the runner's; it raises EngineError.

    Two threads that open one graph at once get the same one; the other that was made is dropped.
    """

    def __init__(self, graphs: Iterable[Graph], open_graph: Callable[[Graph], T]) -> None:
        self._graphs = {graph.name: graph for graph in graphs}
        self._open = open_graph
        self._loaded: dict[str, T] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The graphs that are in memory."""
        with self._lock:
            return tuple(self._loaded)

    def load(self, name: str) -> T:
        """The graph, opened if it is not there."""
        with self._lock:
            if name in self._loaded:
                return self._loaded[name]
        loaded = self._open(self._graphs[name])
        with self._lock:
            return self._loaded.setdefault(name, loaded)

    def release(self, name: str) -> None:
        """Drop a graph, if it is there, and give its memory back to the system."""
        with self._lock:
            dropped = self._loaded.pop(name, None)
        del dropped
        return_free_memory()
