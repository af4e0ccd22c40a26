"""The contract of a routing rule; the arithmetic that rules share is in `rule_arithmetic.py`.

A *route* is the set of experts that one image uses at one routed stage. Of one image it is a tuple
of experts in ascending order, with a gate for each of them. Of a batch it is a membership
`[B, E]` (bool) with gates `[B, E]` (fp32, 0 where the expert is not in the route), which holds
routes of any length.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol, runtime_checkable

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Route = tuple[int, ...]
"""The experts that one image uses at one routed stage, in ascending order."""

Experts = Annotated[int, msgspec.Meta(ge=1, le=4096)]
"""A number of experts, as a rule's field."""


Columns = Callable[["Tensor"], "Tensor"]
"""Takes of rows `[B, E]` in a graph the columns `[B, k]` of a route's experts, in its order."""


class Selector(Protocol):
    """Gives images their routes, as a rule does; see `Rule` for both methods."""

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32)."""


@runtime_checkable
class Rule(Protocol):
    """How the logits of one router become a route.

    A rule is a frozen `msgspec.Struct` with `forbid_unknown_fields=True`, `tag_field="type"` and
    its own name as `tag`: so it stands in a manifest.

    Invariants:

    - Every route has at least one expert and at most `longest`.
    - `select` and `select_one` agree, and the gates that they give are those that `gates` gives
      to the same routes: there is one formula for gates, whether a route was selected or imposed.
    - Gates are finite for any finite logits and any route of the rule.
    - What is not finite is a RoutingError, and so are logits of another shape than expected. There
      is no default route.
    """

    name: ClassVar[str]

    @property
    def experts(self) -> int:
        """The number of experts E, which is that of the logits."""

    @property
    def usable(self) -> Sequence[int]:
        """The experts that some route has, in ascending order: all, unless some were dropped."""

    def among(self, kept: Route) -> "Rule":
        """The same rule, which selects from the experts `kept` (ascending) alone.

        Scores are computed over all E logits as before, so an image whose route has no other expert
        keeps its route and its gates, bit for bit. Raises InputError where no route is left.
        """

    @property
    def longest(self) -> int:
        """The most experts of one route."""

    @property
    def lengths(self) -> Sequence[int]:
        """How many experts a route may have, ascending; each has at least one route."""

    def count(self) -> int:
        """The number of routes. It may be astronomically large; the time to say so is not."""

    def routes(self) -> Iterator[Route]:
        """Every route, one after the other: there may be more than memory holds."""

    def routes_of(self, length: int) -> Iterator[Route]:
        """The routes of that many experts, lazily; the first of them at once."""

    def contains(self, route: Route) -> bool:
        """Whether `route` (any tuple of integers) is one of the rule's."""

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """Few routes that together have all of the given experts."""

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32).

        It stands between two graphs, so it is plain Python: a graph leaves the caches full of
        weights, and there a dozen NumPy calls cost ten times what a loop does.
        """

    def gates(self, members: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The gates `[B, E]` (fp32) that logits `[B, E]` give to routes `[B, E]` (bool)."""

    def torch_gates(self, members: "Tensor", logits: "Tensor") -> "Tensor":
        """`gates` on PyTorch's tensors, differentiable by the logits, for training.

        Written with methods of the tensors alone: no rule imports PyTorch.
        """

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much each row of logits `[B, E]` keeps its route, `[B]` in double precision.

        No logit of the row can be changed by half of it or less, all together, so that the route
        becomes another one. Infinite where nothing changes it.
        """

    def describe(self) -> str:
        """The rule in a few words for people: `top 2 of 8 experts`."""


@runtime_checkable
class CallersRule(Rule, Protocol):
    """A rule whose route the caller of the dispatcher may choose, by a name.

    Where there is no rule `otherwise`, the stage has no router: its logits are `[B, 0]` wherever a
    rule takes some, and what selects without a chosen name raises InputError.
    """

    @property
    def choice(self) -> str:
        """What is chosen (`task`); one choice is made for all stages that name it."""

    @property
    def named(self) -> Mapping[str, Route]:
        """What may be chosen, with the route of each."""

    @property
    def otherwise(self) -> Rule | None:
        """The rule that decides where nothing was chosen; it is no caller's rule itself."""

    def chosen(self, name: str | None) -> Selector:
        """What gives every image the route of a name; of None the rule `otherwise`.

        Raises InputError for an unknown name, and for None where no rule decides otherwise.
        """


@runtime_checkable
class GraphRule(Rule, Protocol):
    """A rule that can also be a part of a static graph.

    There the engine computes the softmax, and breaks ties as it does.
    """

    def graph_select(self, logits: "Tensor") -> "tuple[Tensor, Tensor]":
        """The experts of the route `[B, longest]` (int64), each once, and their gates.

        They come in any order. A shorter route is filled up with experts whose gates are 0.
        """

    def logits_of(self, route: Route) -> tuple[float, ...] | None:
        """Logits `[E]` for which the rule selects a route, and would with others that are near.

        No gate of the route is much smaller than the others. None if there are no such logits.
        """

    def graph_gates(self, logits: "Tensor", columns: "Columns") -> "Tensor":
        """The gates `[B, k]` of one route for all images; `columns` takes those of its experts."""


def gates_of(route: Route, logits: np.ndarray, rule: Rule) -> tuple[float, ...]:
    """The gates that one image's logits `[E]` give to the experts of a route that was imposed."""
    members = members_of([route], rule.experts)
    return tuple(rule.gates(members, logits[None])[0, list(route)].tolist())


def members_of(routes: Sequence[Route], experts: int) -> np.ndarray:
    """The membership `[B, E]` (bool) of one route for each image."""
    members = np.zeros((len(routes), experts), bool)
    for row, route in zip(members, routes, strict=True):
        row[list(route)] = True
    return members


def route_of(members: np.ndarray) -> Route:
    """The route that one image's membership `[E]` (bool) is."""
    return tuple(np.flatnonzero(members).tolist())


def images_of(route: Route, members: np.ndarray) -> np.ndarray:
    """The images that take a route, in ascending order, by the membership `[B, E]` of all."""
    wanted = members_of([route], members.shape[1])
    return np.flatnonzero((members == wanted).all(axis=1))


def require_route(route: Route, rule: Rule, where: str) -> None:
    """Refuse a route that `rule` cannot give; raises InputError, `where` names its source."""
    if not rule.contains(route):
        raise InputError(
            f"{where} has the route {shown_route(route)}; expected a route of its rule "
            f"({rule.describe()}), the experts in ascending order",
            code="routing.unknown-route",
            route=list(route[:16]),
        )


def is_ascending(route: Route, experts: int) -> bool:
    """Whether a route is some experts of `experts`, at least one, each above the one before."""
    inside = len(route) > 0 and route[0] >= 0 and route[-1] < experts
    return inside and all(low < high for low, high in itertools.pairwise(route))


def routes_up_to(longest: int, usable: Sequence[int]) -> Iterator[Route]:
    """The sets of one of the `usable` experts, then those of two, and so on up to `longest`.

    Those of one length come in lexicographic order.
    """
    for length in range(1, longest + 1):
        yield from itertools.combinations(usable, length)


def shown_route(route: Route) -> str:
    """A route for a message: of a long one the beginning only."""
    text = ", ".join(map(str, route[:16]))
    return f"[{text}]" if len(route) <= 16 and len(text) <= 80 else f"[{text[:80]}...]"
