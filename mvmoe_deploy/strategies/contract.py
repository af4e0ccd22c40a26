"""The contract of a strategy: how the routing of one stage becomes graphs.

A strategy knows nothing of engines and file formats, and imports PyTorch only in `module`.
"""

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route, Rule

if TYPE_CHECKING:
    from torch import Tensor, nn

INTEGER = "integer"
"""The type of an input of integers: int64, or int32 for an engine that has no others."""


class TensorType(NamedTuple):
    """The shape of a tensor, and its type: one of a manifest's tensors, or `INTEGER`."""

    shape: tuple[int, ...]
    dtype: str


Build = Callable[[Route], "nn.Module"]
"""Makes the model's module of one routed stage for any distinct experts, ascending or not.

The module shares the model's parameters. It takes the tensors that the stage before gives, and
gates `[B, len(route)]` in the order of the route. For a strategy with slots it makes the module of
one expert for that expert's route, and for `()` the one that joins those of the longest route.
"""

_SLOT = re.compile(r"slot([0-9]+)_.+", re.DOTALL)


def slot_input(slot: int, output: str) -> str:
    """The input of a joining graph that takes `output` of the expert in a slot of the route."""
    return f"slot{slot}_{output}"


def slot_of(name: str) -> int | None:
    """The slot whose expert gives an input of a joining graph; None for every other input."""
    found = _SLOT.fullmatch(name)
    return int(found[1]) if found else None


class Suitability(NamedTuple):
    """How well a strategy suits a model where the exporter chooses, and why."""

    rank: int
    """The lowest is tried first."""
    reason: str
    """For people, as an ending of `bind: ...`."""


def numbers_writer(row: np.ndarray) -> Callable[[Sequence[float]], None]:
    """What writes numbers into a row `[n]` (fp32), in a fifth of the time that NumPy takes cold."""
    view: Any = row.data  # Its stubs know memory of integers only.
    if len(row) == 1:

        def write_one(numbers: Sequence[float]) -> None:
            view[0] = numbers[0]

        return write_one

    def write(numbers: Sequence[float]) -> None:
        for place, number in enumerate(numbers):
            view[place] = number

    return write


class Strategy(Protocol):
    """Which graphs a routed stage has, what they take, and how a route is put into it.

    The inputs of a graph are the tensors that the stage before gives, those of `slots`, those of
    `inputs`, and, where weights are bound, those of the experts of its route.
    Methods without a body have to be written; the others suit strategies that do not need them.
    """

    name: ClassVar[str]

    separates_experts: ClassVar[bool] = False
    """Whether no graph reads the weights of an expert that is not on the image's route.

    A bundle then says how many bytes each expert has of its own.
    """

    binds_weights: ClassVar[bool] = False
    """Whether graphs take the weights of their route's experts as inputs.

    Each graph then serves all routes of its length, is named by the first experts of that length,
    and is made from their module. Which weights are inputs follows from the model
    (`places.places_of_weights`); the bundle keeps them by expert, and its graphs say which of their
    inputs is which of the expert at which place of the route.
    """

    gathers_weights: ClassVar[bool] = False
    """Whether graphs select weights by an index while they run, with operators such as gather."""

    routes_in_graph: ClassVar[bool] = False
    """Whether routers can be inside of its graphs, which then are one: see `selected`."""

    def graphs(self, rule: Rule) -> Iterator[Route | None]:
        """The graphs of one routed stage, lazily: the route of each, None where it serves all."""
        yield None

    def serving(self, route: Route) -> tuple[Route | None, ...]:
        """Which of `graphs` serve the images of a route, in the order in which they run.

        The last one gives what the stage gives. Of a strategy with slots there is one before it for
        each expert of the route, in the order of the route.
        """
        return (None,)

    def slots(self, rule: Rule) -> int:
        """How many experts' graphs the last graph of a route joins; 0 where one graph serves it.

        What the graph of the expert at place j of the route gives are inputs of the last graph,
        each under the name `slot_input(j, its name)`. Slots that a shorter route leaves have gates
        of 0 and content that is finite: `write` sees to both.
        """
        return 0

    def is_joined(self, rule: Rule, graph: Route | None) -> bool:
        """Whether what one of `graphs` gives fills slots of another, which joins them."""
        return self.slots(rule) > 0 and graph is not None

    def example(
        self, rule: Rule, graph: Route | None, finishes: Collection[Route] = ()
    ) -> Route | None:
        """The first of the rule's routes that one of `graphs` serves; None if it serves none.

        Those in `finishes` run no graph.
        """
        routes = (route for route in rule.routes() if graph in self.serving(route))
        return next((route for route in routes if route not in finishes), None)

    def is_needed(self, rule: Rule, graph: Route | None, finishes: Collection[Route]) -> bool:
        """Whether a bundle has one of `graphs`; images on the routes in `finishes` run none."""
        return True

    def label(self, rule: Rule, graph: Route | None) -> str:
        """What tells one of `graphs` from the others in its name; empty for its route's experts."""
        return self.name.replace("-", "_") if graph is None else ""

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """What one of `graphs` takes beside the tensors of stages before and slots, in order."""
        ...

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """Write the route and gates of the image at `position` into the inputs of its graph."""
        ...

    def writer(
        self, inputs: Mapping[str, np.ndarray], route: Route
    ) -> Callable[[Sequence[float]], None]:
        """What writes a route and gates as `write` does, of the first image; made once a route."""
        return partial(self.write, inputs, 0, route)

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """The module of one of `graphs`; its forward takes the graph's inputs in order.

        Raises InputError for a stage that the strategy cannot serve.
        """
        ...

    def selected(self, experts: "Tensor", gates: "Tensor", rule: Rule) -> "tuple[Tensor, ...]":
        """What `module` takes behind its tensors, where a router inside of its graph selects.

        That are experts and gates, both `[B, longest]`, as `GraphRule.graph_select` gives them.
        Raises InputError where `routes_in_graph` is false.
        """
        raise InputError(
            f"the strategy {self.name} cannot have routers inside of its graphs",
            code="input.option",
            name="routers",
            given=self.name,
        )

    def interchangeable(self, rule: Rule) -> Iterator[Route]:
        """Routes whose modules must compute the same thing, their weights left out.

        The exporter compares all of them with the first: one graph has the numbers and constants
        of one module, whichever weights it is given.
        """
        yield from ()

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """How well it suits a model with these rules; None: it is never chosen unless named."""
        return None

    def require_batch(self, batch: int) -> None:
        """Refuse a batch size that the strategy's graphs cannot have; raises InputError."""
        return


class RouteModules(Strategy):
    """A base of strategies whose graphs are the model's own modules of routes, with their gates."""

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """A gate for each expert of the route."""
        assert graph is not None
        return {"gates": TensorType((batch, len(graph)), "float32")}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The gates as they are."""
        inputs["gates"][position] = gates

    def writer(
        self, inputs: Mapping[str, np.ndarray], route: Route
    ) -> Callable[[Sequence[float]], None]:
        """The gates as they are."""
        return numbers_writer(inputs["gates"][0])

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """The model's own module for the route that names the graph."""
        assert graph is not None
        return build(graph)


def few_graphs(strategy: Strategy, rules: Sequence[Rule], most: int) -> int | None:
    """How many graphs a strategy has for routed stages; None for more than `most`."""
    every = itertools.chain.from_iterable(map(strategy.graphs, rules))
    count = sum(1 for _ in itertools.islice(every, most + 1))
    return count if count <= most else None


def shown_count(count: int) -> str:
    """A number of routes for a message: some rules have more than a line has room for."""
    return f"{count:,}" if count < 10**9 else "over a billion"
