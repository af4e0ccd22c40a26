"""The selection rules, in NumPy fp32: the reference semantics for every language.

Router logits leave a graph as they are; the host turns them into a route and its gates here.
Nothing in this module knows of graphs, engines or images.
"""

import math
from array import array
from collections.abc import Sequence
from typing import Annotated, Literal, NoReturn

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError, RoutingError

Route = tuple[int, ...]
"""The experts that one image uses at one routed stage, in ascending order."""


class RouteShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route of one routed stage and the share of images that take it."""

    route: Route
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]


UsagePrior = tuple[tuple[RouteShare, ...], ...]
"""What is known before any image: for each routed stage, the shares of its routes."""


class RoutingRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the logits of one router become a route.

    `top_k`: the `k` experts of highest softmax score; their scores are the gates, divided by
    their sum when `renormalize` is set (arXiv 2309.04354, section 3, keeps them as they are).
    """

    experts: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    k: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 1
    renormalize: bool = False
    type: Literal["top_k"] = "top_k"

    def __post_init__(self) -> None:
        """Refuse a rule that no image could follow."""
        if not 1 <= self.k <= self.experts:
            raise InputError(
                f"top_k with k = {self.k} cannot select from {self.experts} experts; "
                "give 1 <= k <= experts"
            )


def scores(logits: np.ndarray) -> np.ndarray:
    """Stable softmax of router logits `[B, E]`: fp32 values, computed in double precision.

    Computed so, every language gets the same fp32 scores, whatever its `exp` does in the last bit.
    Raises RoutingError when there are no such logits or one of them is not finite.
    """
    logits = _as_fp32(logits)
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise RoutingError(
            f"the router gave logits of shape {list(logits.shape)}, but [B, experts] is expected"
        )
    if not np.isfinite(logits).all():
        _refuse_not_finite(logits)
    wide = logits.astype(np.float64)
    weights = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def select(logits: np.ndarray, rule: RoutingRule) -> tuple[np.ndarray, np.ndarray]:
    """The routes `[B, k]` (int64, ascending experts) and gates `[B, k]` (fp32) of logits `[B, E]`.

    Ties go to the lowest expert. Raises RoutingError when the logits do not have the rule's
    number of experts or are not finite.
    """
    logits = np.asarray(logits)
    _require_shape(logits.shape, 2, rule)
    probabilities = scores(logits)
    # A stable sort of the negated scores is what sends ties to the lowest expert. The scores
    # decide, not the logits: two logits may differ and still have one fp32 score.
    order = np.argsort(-probabilities, axis=-1, kind="stable")[:, : rule.k]
    routes = np.sort(order, axis=-1).astype(np.int64)
    gates = np.take_along_axis(probabilities, routes, axis=-1)
    if rule.renormalize:
        wide = gates.astype(np.float64)
        gates = (wide / wide.sum(axis=-1, keepdims=True)).astype(np.float32)
    return routes, gates


def select_one(logits: np.ndarray, rule: RoutingRule) -> tuple[Route, tuple[float, ...]]:
    """The route and gates of one image's logits `[E]` (fp32): `select` for the way between graphs.

    In plain Python: a graph leaves the caches full of weights, and there a dozen NumPy calls cost
    ten times what this loop does. Raises RoutingError as `select` does.
    """
    _require_shape(logits.shape, 1, rule)
    row = logits.tolist()
    top = max(row)
    weights = [math.exp(logit - top) for logit in row]
    total = sum(weights)
    if not (total < math.inf and min(row) > -math.inf):  # False for NaN as well.
        _refuse_not_finite(logits[None])
    rounded = array("f", [weight / total for weight in weights]).tolist()
    if rule.k == 1:
        route: Route = (rounded.index(max(rounded)),)
    else:
        order = sorted(range(len(rounded)), key=rounded.__getitem__, reverse=True)
        route = tuple(sorted(order[: rule.k]))
    gates = [rounded[expert] for expert in route]
    if rule.renormalize:
        kept = sum(gates)
        gates = array("f", [gate / kept for gate in gates]).tolist()
    return route, tuple(gates)


def gates_of(route: Route, logits: np.ndarray, rule: RoutingRule) -> tuple[float, ...]:
    """The gates that one image's logits `[E]` give the experts of a route that was imposed.

    Of the route that `select_one` would take they are the gates it gives, to one unit in the last
    place. Renormalized ones are the softmax of the route's own logits, the same numbers: those stay
    finite where all scores of an imposed route underflow.
    """
    logits = logits[None]
    if not rule.renormalize:
        return tuple(scores(logits)[0, list(route)].tolist())
    if not np.isfinite(logits).all():
        _refuse_not_finite(logits)
    return tuple(scores(logits[:, list(route)])[0].tolist())


def _require_shape(shape: tuple[int, ...], dimensions: int, rule: RoutingRule) -> None:
    """Refuse logits that are not one value for each expert."""
    if len(shape) != dimensions or shape[-1] != rule.experts:
        expected = f"[B, {rule.experts}]" if dimensions == 2 else f"[{rule.experts}]"
        raise RoutingError(
            f"the router gave logits of shape {list(shape)}, but its rule expects {expected}"
        )


def _refuse_not_finite(logits: np.ndarray) -> NoReturn:
    """Name the first logit that is not finite."""
    row, expert = np.argwhere(~np.isfinite(logits))[0].tolist()
    raise RoutingError(
        f"the router gave a logit that is not finite for image {row} of the batch "
        f"({logits[row, expert]} for expert {expert}); check the image and the weights of the stem"
    )


def check_route(route: Route, rule: RoutingRule, where: str) -> None:
    """Refuse a route that `rule` cannot give; raises InputError, `where` names its source."""
    ascending = list(route) == sorted(set(route))
    if not ascending or len(route) != rule.k or not all(0 <= e < rule.experts for e in route):
        raise InputError(
            f"{where} has the route {_shown(route)}; expected {rule.k} ascending experts of 0 to "
            f"{rule.experts - 1}"
        )


def check_usage_prior(prior: UsagePrior, rules: Sequence[RoutingRule], where: str) -> None:
    """Refuse a usage prior that cannot be of `rules`; raises InputError.

    Each stage names existing routes, each once, and their shares sum to 1 within 1e-3.
    """
    if len(prior) != len(rules):
        raise InputError(
            f"{where} has {len(prior)} stages; expected {len(rules)}, one for each routed stage"
        )
    for shares, rule in zip(prior, rules, strict=True):
        for item in shares:
            check_route(item.route, rule, where)
        if len({item.route for item in shares}) != len(shares):
            raise InputError(f"{where} names a route twice in one stage; give each route once")
        total = sum(item.share for item in shares)
        if abs(total - 1) >= 1e-3:
            raise InputError(f"{where} has shares that sum to {total:.4f} in a stage; expected 1")


def _as_fp32(logits: np.ndarray) -> np.ndarray:
    """Router logits as fp32; what overflows there becomes infinite and is refused as such."""
    if isinstance(logits, np.ndarray) and logits.dtype == np.float32:
        return logits
    logits = np.asarray(logits)
    if logits.dtype.kind not in "fiu":
        raise RoutingError(f"the router gave logits of type {logits.dtype}; expected numbers")
    with np.errstate(over="ignore"):
        return logits.astype(np.float32, copy=False)


def _shown(route: Route) -> str:
    """A route for a message: of a long one the beginning only."""
    text = ", ".join(map(str, route[:16]))
    return f"[{text}]" if len(route) <= 16 and len(text) <= 80 else f"[{text[:80]}...]"
