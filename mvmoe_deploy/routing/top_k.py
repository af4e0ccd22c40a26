"""The rule `top_k`: the k experts of highest score.

Their scores are the gates (arXiv 2309.04354, section 3), with `renormalize` divided by their sum.
With `unit_gates` all gates are 1: the experts are the parts of one layer, which are added up (arXiv
2503.02495).
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import Experts, Route, Rule, is_ascending
from mvmoe_deploy.routing.rule_arithmetic import (
    as_logits,
    first_one,
    graph_score_gates,
    log_scores,
    order_margins,
    score_gates,
    score_gates_one,
    scores_one,
    softmax,
    torch_score_gates,
    torch_unit_gates,
)

if TYPE_CHECKING:
    from torch import Tensor

_FAR = 16.0
"""A logit by so much below another one has a score of 1e-7 of the other's."""


class TopK(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="type",
    tag="top_k",
):
    """The `k` experts of highest score, ties to the lowest; gates as the module says."""

    name: ClassVar[str] = "top_k"

    experts: Experts
    k: Experts = 1
    renormalize: bool = False
    unit_gates: bool = False

    def __post_init__(self) -> None:
        """Refuse a rule that no image could follow."""
        if not 1 <= self.k <= self.experts:
            raise InputError(
                f"top_k with k = {self.k} cannot select from {self.experts} experts; "
                "give 1 <= k <= experts",
                code="routing.rule-invalid",
                name="k",
            )
        if self.renormalize and self.unit_gates:
            raise InputError(
                "top_k cannot have gates that are renormalized scores and gates of 1; give "
                "renormalize or unit_gates",
                code="routing.rule-invalid",
                name="unit_gates",
            )

    @property
    def longest(self) -> int:
        """Every route has k experts."""
        return self.k

    @property
    def lengths(self) -> tuple[int, ...]:
        """One: k."""
        return (self.k,)

    def count(self) -> int:
        """The number of sets of k experts."""
        return math.comb(self.experts, self.k)

    def routes(self) -> Iterator[Route]:
        """Every set of k experts, in lexicographic order."""
        return itertools.combinations(range(self.experts), self.k)

    def routes_of(self, length: int) -> Iterator[Route]:
        """The sets of that many experts, in lexicographic order."""
        if length in self.lengths:
            yield from itertools.combinations(range(self.experts), length)

    def contains(self, route: Route) -> bool:
        """Whether a route is k ascending experts."""
        return len(route) == self.k and is_ascending(route, self.experts)

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """The given experts k at a time; the last route is filled up with the lowest others."""
        left = sorted(set(experts))
        for start in range(0, len(left), self.k):
            part = left[start : start + self.k]
            others = (expert for expert in range(self.experts) if expert not in part)
            yield tuple(sorted([*part, *itertools.islice(others, self.k - len(part))]))

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""
        logits = as_logits(logits, self.experts)
        # A stable sort of the negated scores is what sends ties to the lowest expert. The scores
        # decide, not the logits: two logits may differ and still have one fp32 score.
        order = np.argsort(-softmax(logits), axis=-1, kind="stable")[:, : self.k]
        members = np.zeros(logits.shape, bool)
        np.put_along_axis(members, order, True, axis=-1)
        return members, self.gates(members, logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32)."""
        if self.k == 1 and not self.renormalize and logits.ndim == 1:
            row = logits.tolist()
            first = first_one(row) if len(row) == self.experts else None
            if first is not None:
                return (first[0],), ((1.0,) if self.unit_gates else (first[1],))
        row, scores = scores_one(logits, self.experts)
        if self.k == 1:
            route: Route = (scores.index(max(scores)),)
        else:
            order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
            route = tuple(sorted(order[: self.k]))
        if self.unit_gates:
            return route, (1.0,) * self.k
        return route, score_gates_one(route, row, scores, self.renormalize)

    def gates(self, members: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The gates `[B, E]` (fp32) that logits `[B, E]` give to routes `[B, E]` (bool)."""
        logits = as_logits(logits, self.experts)
        if self.unit_gates:
            return members.astype(np.float32)
        return score_gates(members, logits, self.renormalize)

    def torch_gates(self, members: "Tensor", logits: "Tensor") -> "Tensor":
        """`gates` on PyTorch's tensors, differentiable by the logits.

        Gates of 1 have the gradient of the scores.
        """
        if self.unit_gates:
            return torch_unit_gates(members, logits)
        return torch_score_gates(members, logits, self.renormalize)

    def graph_select(self, logits: "Tensor") -> "tuple[Tensor, Tensor]":
        """The route `[B, k]` (int64) and its gates `[B, k]`, inside of a graph."""
        if self.unit_gates:
            best, experts = logits.topk(self.k, dim=-1)
            return experts, best.new_ones(best.shape)
        gates, experts = logits.softmax(dim=-1).topk(self.k, dim=-1)
        if self.renormalize:  # Scores of a selected route do not all underflow.
            gates = gates / gates.sum(dim=-1, keepdim=True)
        return experts, gates

    def graph_gates(self, route: "Tensor", logits: "Tensor") -> "Tensor":
        """The gates `[B, k]` of one route `[k]` (int64) for all images, inside of a graph."""
        if self.unit_gates:
            return logits.new_ones((len(logits), len(route)))
        return graph_score_gates(route, logits, self.renormalize)

    def logits_of(self, route: Route) -> tuple[float, ...]:
        """The route's experts, all alike, far above the others."""
        return tuple(_FAR * (expert in route) for expert in range(self.experts))

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much the k-th highest score of each row is above the next one, `[B]`."""
        if self.k == self.experts:
            return np.full(len(logits), np.inf)
        ordered = -np.sort(-log_scores(logits), axis=1)
        return order_margins(ordered[:, self.k], ordered[:, self.k - 1])

    def describe(self) -> str:
        """Such as `top 2 of 8 experts, renormalized`."""
        kept = ", renormalized" if self.renormalize else ", gates of 1" if self.unit_gates else ""
        return f"top {self.k} of {self.experts} experts{kept}"


PART: type[Rule] = TopK
