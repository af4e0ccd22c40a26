"""The rule `given`: the caller names the route; a router decides where the caller does not.

A task, or a state of the device, picks the experts: `predict(image, task="depth")`. Every image
of a task takes the same experts, as in task-conditioned mixtures (arXiv 2110.03742, *task-level*
routing).
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from msgspec.structs import replace

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import (
    CallersRule,
    Experts,
    Route,
    Rule,
    Selector,
    gates_of,
    is_ascending,
    members_of,
)
from mvmoe_deploy.routing.kept_experts import require_some
from mvmoe_deploy.text import quoted

if TYPE_CHECKING:
    from torch import Tensor

_CHOICE = r"^[a-z][a-z0-9_]{0,63}$(?!\n)"
_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}$(?!\n)"

ChoiceName = Annotated[str, msgspec.Meta(max_length=64, pattern=_CHOICE)]
"""What is chosen: `task`. A caller writes it as a parameter's name."""

_MOST_SHOWN = 16
"""Names in a message."""

RouteName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_NAME)]
"""What a caller may choose: `depth`."""


class Given(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    dict=True,
    tag_field="type",
    tag="given",
):
    """The route that the caller names for `choice`; that of `otherwise` where he names none.

    `named` has the routes by their names; two names may mean one route. Without `otherwise` the
    stage has no router: a name must be given, and every gate is 1. With it a named route has the
    gates that `otherwise` gives it, as every imposed route has.
    """

    name: ClassVar[str] = "given"

    experts: Experts
    choice: ChoiceName = "route"
    named: Annotated[dict[RouteName, Route], msgspec.Meta(min_length=1, max_length=4096)] = (
        msgspec.field(name="routes")
    )
    otherwise: Rule | None = None

    def __post_init__(self) -> None:
        """Refuse names that nobody could give, and routes of experts that there are not."""
        if not re.fullmatch(_CHOICE, self.choice):
            _refuse(
                f"given has the choice {quoted(self.choice)}; give lower-case letters, digits and _"
            )
        if not self.named:
            _refuse("given has no routes; name at least one")
        for name, route in self.named.items():
            if not re.fullmatch(_NAME, name):
                _refuse(
                    f"given has a route of the name {quoted(name)}; give letters, digits, '_', '-' "
                    "and '.'"
                )
            if not is_ascending(route, self.experts):
                _refuse(
                    f"given has the route {quoted(list(route))} of the name {name}; give some of "
                    f"its {self.experts} experts, in ascending order"
                )
        self._require_otherwise()

    def _require_otherwise(self) -> None:
        """Refuse a second choice of the caller, and a router of other experts."""
        if self.otherwise is None:
            return
        if isinstance(self.otherwise, CallersRule):
            _refuse("given leaves the choice to a caller again; give a rule of a router, or null")
        if self.otherwise.experts != self.experts:
            _refuse(
                f"given has {self.experts} experts, and the rule that decides otherwise "
                f"{self.otherwise.experts}; give both the same number"
            )

    @functools.cached_property
    def _distinct(self) -> dict[Route, None]:
        """The named routes, each once, by the order of their first names."""
        return dict.fromkeys(self.named[name] for name in sorted(self.named))

    @functools.cached_property
    def usable(self) -> Route:
        """Those of named routes and of the router's."""
        router = () if self.otherwise is None else self.otherwise.usable
        return tuple(sorted({*itertools.chain.from_iterable(self._distinct), *router}))

    def among(self, kept: Route) -> Rule:
        """The rule with those of its names whose routes have no other experts.

        Raises InputError if no name is left, or no route of the router.
        """
        require_some(kept, self.experts, range(self.experts))
        named = {name: route for name, route in self.named.items() if set(route).issubset(kept)}
        otherwise = None if self.otherwise is None else self.otherwise.among(kept)
        if not named:
            _refuse(
                f"every {self.choice} has an expert that is not among those to be kept "
                f"({', '.join(map(str, kept))}); keep those of one {self.choice} at least"
            )
        return replace(self, named=named, otherwise=otherwise)

    @property
    def longest(self) -> int:
        """The most experts of a named route, or of one of the router's."""
        named = max(map(len, self._distinct))
        return named if self.otherwise is None else max(named, self.otherwise.longest)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Those of named routes and of the router's."""
        router = () if self.otherwise is None else self.otherwise.lengths
        return tuple(sorted({*map(len, self._distinct), *router}))

    def count(self) -> int:
        """The named routes that the router cannot select, and its own."""
        if self.otherwise is None:
            return len(self._distinct)
        known = sum(map(self.otherwise.contains, self._distinct))
        return len(self._distinct) - known + self.otherwise.count()

    def routes(self) -> Iterator[Route]:
        """The named routes, then those of the router that have no name."""
        yield from self._distinct
        if self.otherwise is not None:
            yield from (route for route in self.otherwise.routes() if route not in self._distinct)

    def routes_of(self, length: int) -> Iterator[Route]:
        """The named routes of that many experts, then those of the router that have no name."""
        yield from (route for route in self._distinct if len(route) == length)
        if self.otherwise is not None:
            others = self.otherwise.routes_of(length)
            yield from (route for route in others if route not in self._distinct)

    def contains(self, route: Route) -> bool:
        """Whether a route has a name, or is one of the router's."""
        if route in self._distinct:
            return True
        return self.otherwise is not None and self.otherwise.contains(route)

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """Named routes with an expert that is still missing, then routes of the router.

        Without a router an expert of no named route is in none: no image can use it.
        """
        left = set(experts)
        for route in self._distinct:
            if left.intersection(route):
                left.difference_update(route)
                yield route
        if self.otherwise is not None:
            yield from self.otherwise.cover(left)

    def chosen(self, name: str | None) -> Selector:
        """What gives every image the route of a name; of None the router's rule.

        Raises InputError for an unknown name, and for None where there is no router.
        """
        if name is None and self.otherwise is not None:
            return self.otherwise
        route = self.named.get(name) if isinstance(name, str) else None
        if route is not None:
            return _NamedRoute(route, self)
        names = sorted(self.named)[:_MOST_SHOWN]
        shown = ", ".join(names) + (", ..." if len(self.named) > len(names) else "")
        if name is None:
            raise InputError(
                f"no {self.choice} was given, and no router decides it; give one of {shown}",
                code="routing.choice-missing",
                choice=self.choice,
                expected=names,
            )
        raise InputError(
            f"the {self.choice} {quoted(name)} was given; expected one of {shown}",
            code="routing.choice-unknown",
            choice=self.choice,
            given=str(name)[:200],
            expected=names,
        )

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the router selects; raises InputError without one: the caller has to choose."""
        return self.chosen(None).select(logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """What the router selects for one image; raises InputError without one."""
        return self.chosen(None).select_one(logits)

    def gates(self, members: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The gates `[B, E]` (fp32) that the router's logits give to routes; 1 without one."""
        if self.otherwise is None:
            return members.astype(np.float32)
        return self.otherwise.gates(members, logits)

    def torch_gates(self, members: "Tensor", logits: "Tensor") -> "Tensor":
        """`gates` on PyTorch's tensors."""
        if self.otherwise is None:
            return members.to(logits.dtype)
        return self.otherwise.torch_gates(members, logits)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """Those of the router, `[B]`; infinite without one: no logit changes what was chosen."""
        if self.otherwise is None:
            return np.full(len(logits), np.inf)
        return self.otherwise.margins(logits)

    def describe(self) -> str:
        """Such as `one of 3 routes of 4 experts, as the caller's task says`."""
        if self.otherwise is not None:
            return f"{self.otherwise.describe()}, or as the caller's {self.choice} says"
        count = len(self._distinct)
        routes = f"one of {count} routes" if count > 1 else "one route"
        return f"{routes} of {self.experts} experts, as the caller's {self.choice} says"


@dataclass(frozen=True)
class _NamedRoute:
    """Gives every image one route of a rule."""

    route: Route
    rule: Given

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The route for each of the images, whose logits are `[B, E]`, or `[B, 0]`."""
        members = members_of([self.route] * len(logits), self.rule.experts)
        return members, self.rule.gates(members, logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]`, or `[0]`."""
        if self.rule.otherwise is None:
            return self.route, (1.0,) * len(self.route)
        return self.route, gates_of(self.route, logits, self.rule)


def _refuse(what: str) -> None:
    raise InputError(what, code="routing.rule-invalid")


PART: type[Rule] = Given
