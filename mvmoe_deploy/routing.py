"""The selection rules, in NumPy fp32: the reference semantics for every language.

Router logits leave a graph as they are; the host turns them into a route and its gates here.
Nothing in this module knows of graphs, engines or images.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np

from mvmoe_deploy.errors import RoutingError

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
            raise ValueError(
                f"top_k with k = {self.k} cannot select from {self.experts} experts; "
                "give 1 <= k <= experts"
            )


def scores(logits: np.ndarray) -> np.ndarray:
    """Stable softmax of router logits `[B, E]` in fp32.

    Raises RoutingError when a logit is not finite.
    """
    logits = np.asarray(logits, dtype=np.float32)
    if not np.isfinite(logits).all():
        row = int(np.flatnonzero(~np.isfinite(logits).all(axis=-1))[0])
        raise RoutingError(
            f"the router gave a logit that is not finite for image {row} of the batch "
            f"({logits[row].tolist()}); check the image and the weights of the stem"
        )
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def select(logits: np.ndarray, rule: RoutingRule) -> tuple[np.ndarray, np.ndarray]:
    """The routes `[B, k]` (int64, ascending experts) and gates `[B, k]` (fp32) of logits `[B, E]`.

    Ties go to the lowest expert. Raises RoutingError when the logits do not have the rule's
    number of experts or are not finite.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2 or logits.shape[1] != rule.experts:
        raise RoutingError(
            f"the router gave logits of shape {list(logits.shape)}, "
            f"but its rule expects [B, {rule.experts}]"
        )
    probabilities = scores(logits)
    # A stable sort of the negated scores is what sends ties to the lowest expert. The scores
    # decide, not the logits: two logits may differ and still have one fp32 score.
    order = np.argsort(-probabilities, axis=-1, kind="stable")[:, : rule.k]
    routes = np.sort(order, axis=-1).astype(np.int64)
    gates = np.take_along_axis(probabilities, routes, axis=-1)
    if rule.renormalize:
        gates = gates / gates.sum(axis=-1, keepdims=True)
    return routes, gates
