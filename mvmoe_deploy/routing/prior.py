"""The usage prior: what is known of the routes before any image."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import Route, Rule, require_route


class RouteShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route of one routed stage and the share of images that take it."""

    route: Route
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]


UsagePrior = tuple[tuple[RouteShare, ...], ...]
"""For each routed stage the shares of its routes; a route that is not listed has none."""


def check_usage_prior(prior: UsagePrior, rules: Sequence[Rule], where: str) -> None:
    """Refuse a usage prior that cannot be of `rules`; raises InputError.

    Each stage names existing routes, each once, and their shares sum to 1 within 1e-3.
    """
    if len(prior) != len(rules):
        raise InputError(
            f"{where} has {len(prior)} stages; expected {len(rules)}, one for each routed stage",
            code="input.option",
            name="usage_prior",
            given=len(prior),
            expected=len(rules),
        )
    for shares, rule in zip(prior, rules, strict=True):
        for item in shares:
            require_route(item.route, rule, where)
        twice = [route for route, n in Counter(item.route for item in shares).items() if n > 1]
        if twice:
            raise InputError(
                f"{where} names a route twice in one stage; give each route once",
                code="input.option",
                name="usage_prior",
                given=list(twice[0]),
            )
        total = sum(item.share for item in shares)
        if abs(total - 1) >= 1e-3:
            raise InputError(
                f"{where} has shares that sum to {total:.4f} in a stage; expected 1",
                code="input.option",
                name="usage_prior",
                given=round(total, 4),
                expected=1,
            )
