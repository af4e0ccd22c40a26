"""Rules that select from some of their experts alone: their field `kept`.

An export may drop experts that no image needs. Scores are still those of all experts, so an image
whose route is left keeps it, with its gates.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
from msgspec.structs import replace

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import Route, is_ascending, shown_route

_MOST_NAMED = 5
"""Kept experts that a description names."""

Kept = Annotated[
    tuple[Annotated[int, msgspec.Meta(ge=0, le=4095)], ...],
    msgspec.Meta(min_length=1, max_length=4096),
]
"""The experts that a rule may select, in ascending order, as a rule's field."""


class KeepsExperts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of rules with the field `kept`; None there keeps all experts."""

    if TYPE_CHECKING:
        name: ClassVar[str]
        experts: int
        kept: Route | None

    @property
    def usable(self) -> Sequence[int]:
        """All experts, or those that are kept."""
        return range(self.experts) if self.kept is None else self.kept

    def among(self, kept: Route) -> Self:
        """The rule that selects from some experts; raises InputError for too few."""
        require_some(kept, self.experts, self.usable)
        return replace(self, kept=None if len(kept) == self.experts else kept)

    def require_kept(self, fewest: int) -> None:
        """Refuse kept experts that are not some of all, in ascending order, and enough for a route.

        Raises InputError. All of them are said by None alone, so that one rule has one form.
        """
        kept, experts = self.kept, self.experts
        if kept is None:
            return
        if not is_ascending(kept, experts) or not fewest <= len(kept) < experts:
            raise InputError(
                f"{self.name} keeps the experts {shown_route(kept)} of {experts}; give {fewest} or "
                f"more of them, fewer than {experts}, in ascending order",
                code="routing.rule-invalid",
                name="kept",
            )

    def are_usable(self, route: Route) -> bool:
        """Whether a route is some experts, at least one, in ascending order, all of them kept."""
        kept = self.kept
        return is_ascending(route, self.experts) and (kept is None or set(route).issubset(kept))

    @property
    def experts_in_words(self) -> str:
        """Such as `8 experts`, or `8 experts, only 0, 2 and 5`."""
        words, kept = f"{self.experts} experts", self.kept
        if kept is None:
            return words
        if len(kept) > _MOST_NAMED:
            return f"{words}, only {len(kept)} of them"
        *others, last = map(str, kept)
        named = f"{', '.join(others)} and {last}" if others else last
        return f"{words}, only {named}"


def require_some(kept: Route, experts: int, usable: Sequence[int]) -> None:
    """Refuse experts to be kept that a rule does not select anyway; raises InputError."""
    if not is_ascending(kept, experts) or not set(kept).issubset(usable):
        left = "" if len(usable) == experts else f", of which {shown_route(tuple(usable))} are left"
        raise InputError(
            f"the experts {shown_route(kept)} were to be kept of {experts}{left}; give some of "
            "them, each once, in ascending order",
            code="routing.rule-invalid",
            name="kept",
        )
