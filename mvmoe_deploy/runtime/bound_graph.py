"""A graph in memory with its bindings, and where a call of an image finds its own."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.runtime.contract import LoadedGraph
from mvmoe_deploy.runtime.residency import ItemSlot


class BoundGraph:
    """A loaded graph and its bindings, which go when it is evicted."""

    def __init__(self, graph: LoadedGraph) -> None:
        self.graph = graph
        self.calls: dict[object, Callable[[], None]] = {}
        self.calls_on_image: dict[object, Callable[[np.ndarray], None]] = {}


class Place(NamedTuple):
    """Where the call is, if its graph is in memory, that an image runs next: `calls[key]`.

    It keeps nothing in memory, so that it may be remembered for as long as buffers are.
    """

    held: ItemSlot[BoundGraph]
    key: object
    graph: Graph
    slot: int | None
    """Of the graph that joins several; None for one that gives what its stage gives."""
