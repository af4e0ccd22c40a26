"""The contract of a runner: what executes one target's graphs on this machine."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Target

Arrays = Mapping[str, np.ndarray]
"""Arrays by the names of a graph's inputs or outputs, of the shapes and types in the manifest."""


class LoadedGraph(Protocol):
    """One graph in memory, ready to run."""

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that reads `inputs` and overwrites `outputs`, which must outlive it.

        Bindings are made once and called many times. Different bindings of one graph may be
        called from different threads at once. Calls raise EngineError.
        """


class Runner(Protocol):
    """Executes the graphs of one target.

    Invariants:

    - `open` loads no graph; it raises MissingExtraError if the engine is not installed.
    - The engine is imported in `open`, not when the module is.
    - `load` of a graph that is in memory gives the one that is there.
    - After `release` the graph's memory is freed as soon as the last binding to it is gone.
    - All methods may be called from several threads.
    """

    @classmethod
    def open(cls, root: Path, target: Target, threads: int | None) -> Self:
        """A runner for the checked bundle at `root`; `threads` per graph, None for the engine's."""

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the graphs that are in memory."""

    def load(self, graph: str) -> LoadedGraph:
        """Bring a graph into memory; raises EngineError that names it."""

    def release(self, graph: str) -> None:
        """Drop a graph; does nothing if it is not in memory."""


def run(loaded: LoadedGraph, inputs: Arrays, outputs: Arrays) -> Arrays:
    """Run a graph once; gives `outputs`, which it has filled."""
    loaded.bind(inputs, outputs)()
    return outputs
