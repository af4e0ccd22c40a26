"""The graphs of one target in memory: which graph a route needs, and the call that runs it."""

from collections.abc import Callable, Iterable

from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner
from mvmoe_deploy.runtime.lane import Lane
from mvmoe_deploy.runtime.residency import Item, Residency

Pin = str | int | Route
"""A graph's name, or a route of every routed stage (an int is the route of one expert)."""


class LoadedGraphs:
    """Graphs that every image runs stay loaded; those of single routes come and go."""

    def __init__(
        self,
        target: Target,
        runner: Runner,
        *,
        pin: Iterable[Pin] | Pin,
        max_per_stage: int | None,
        max_bytes: int | None,
    ) -> None:
        self.runner = runner
        self._by_stage = _by_route(target.graphs)
        self.routed = tuple(graph for graph in target.graphs if graph.route is not None)
        pins = [pin] if isinstance(pin, str | int) else pin
        self.pinned = frozenset(graph.name for item in pins for graph in self._meant(item))
        self.residency: Residency[_Resident] = Residency(
            {graph.name: Item(graph.stage, graph.weight_bytes) for graph in self.routed},
            load=lambda name: _Resident(runner.load(name)),
            release=runner.release,
            pinned=self.pinned,
            max_per_group=max_per_stage,
            max_bytes=max_bytes,
        )
        self._fixed = {
            graph.name: _Resident(runner.load(graph.name))
            for graph in target.graphs
            if graph.route is None
        }

    def graph(self, stage: int, route: Route | None = None) -> Graph:
        """The graph that images of `route` run at `stage`."""
        by_route = self._by_stage[stage]
        return by_route[None] if None in by_route else by_route[route]

    def call(self, lane: Lane, graph: Graph) -> Callable[[], None]:
        """What runs a graph on a lane's buffers; loads the graph if it is cold.

        Raises EngineError that names the graph if it does not load.
        """
        name = graph.name
        resident = self._fixed.get(name) or self.residency.get(name)
        call = resident.calls.get(lane)
        if call is None:
            inputs, outputs = lane.inputs[graph.stage], lane.outputs[graph.stage]
            call = resident.calls[lane] = resident.graph.bind(inputs, outputs)
        return call

    def clear(self) -> None:
        """Release everything."""
        self.residency.clear()
        while self._fixed:
            name, _ = self._fixed.popitem()
            self.runner.release(name)

    def _meant(self, pin: Pin) -> list[Graph]:
        """The graphs that a pin means; raises InputError if there are none."""
        route = (pin,) if isinstance(pin, int) else pin
        meant = [graph for graph in self.routed if pin == graph.name or route == graph.route]
        if not meant:
            raise InputError(
                f"{pin!r} cannot be pinned: the bundle has no such route or graph; give an "
                "expert's number, a tuple of them, or the name of a routed graph"
            )
        return meant


class _Resident:
    """A loaded graph and its bindings, which go when it is released."""

    def __init__(self, graph: LoadedGraph) -> None:
        self.graph = graph
        self.calls: dict[Lane, Callable[[], None]] = {}


def _by_route(graphs: Iterable[Graph]) -> dict[int, dict[Route | None, Graph]]:
    """For each stage its graphs by route; None is the key of a graph that serves every route."""
    result: dict[int, dict[Route | None, Graph]] = {}
    for graph in graphs:
        result.setdefault(graph.stage, {})[graph.route] = graph
    return result
