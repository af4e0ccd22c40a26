"""The rule `top_k`: the k experts of highest score.

Their scores are the gates (arXiv 2309.04354, section 3), with `renormalize` divided by their sum.
With `unit_gates` all gates are 1: the experts are the parts of one layer, which are added up (arXiv
2503.02495).
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import (
    Columns,
    Experts,
    Route,
    Rule,
)
from mvmoe_deploy.routing.kept_experts import KeepsExperts, Kept
from mvmoe_deploy.routing.rule_arithmetic import (
    as_logits,
    first_one,
    graph_kept,
    graph_score_gates,
    kept_scores,
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
    KeepsExperts,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="type",
    tag="top_k",
):
    """The `k` experts of highest score, ties to the lowest; gates as the module says.

    No other experts than those `kept` are selected, if some are named; scores are those of all.
    """

    name: ClassVar[str] = "top_k"

    experts: Experts
    k: Experts = 1
    renormalize: bool = False
    unit_gates: bool = False
    kept: Kept | None = None

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
        self.require_kept(self.k)

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
        return math.comb(len(self.usable), self.k)

    def routes(self) -> Iterator[Route]:
        """Every set of k experts, in lexicographic order."""
        return itertools.combinations(self.usable, self.k)

    def routes_of(self, length: int) -> Iterator[Route]:
        """The sets of that many experts, in lexicographic order."""
        if length in self.lengths:
            yield from itertools.combinations(self.usable, length)

    def contains(self, route: Route) -> bool:
        """Whether a route is k ascending experts, all of them kept."""
        return len(route) == self.k and self.are_usable(route)

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """The given experts k at a time; the last route is filled up with the lowest others."""
        left = sorted(set(experts).intersection(self.usable))
        for start in range(0, len(left), self.k):
            part = left[start : start + self.k]
            others = (expert for expert in self.usable if expert not in part)
            yield tuple(sorted([*part, *itertools.islice(others, self.k - len(part))]))

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""
        logits = as_logits(logits, self.experts)
        # A stable sort of the negated scores is what sends ties to the lowest expert. The scores
        # decide, not the logits: two logits may differ and still have one fp32 score.
        ranked = kept_scores(softmax(logits), self.kept)
        order = np.argsort(-ranked, axis=-1, kind="stable")[:, : self.k]
        members = np.zeros(logits.shape, bool)
        np.put_along_axis(members, order, True, axis=-1)
        return members, self.gates(members, logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32)."""
        if self.k == 1 and not self.renormalize and self.kept is None and logits.ndim == 1:
            row = logits.tolist()
            first = first_one(row) if len(row) == self.experts else None
            if first is not None:
                return (first[0],), ((1.0,) if self.unit_gates else (first[1],))
        row, scores = scores_one(logits, self.experts)
        if self.k == 1 and self.kept is None:
            route: Route = (scores.index(max(scores)),)
        else:
            order = sorted(self.usable, key=scores.__getitem__, reverse=True)
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
        scores = logits if self.unit_gates and self.kept is None else logits.softmax(dim=-1)
        gates, experts = graph_kept(scores, self.kept).topk(self.k, dim=-1)
        if self.unit_gates:
            return experts, gates.new_ones(gates.shape)
        if self.renormalize:  # Scores of a selected route do not all underflow.
            gates = gates / gates.sum(dim=-1, keepdim=True)
        return experts, gates

    def graph_gates(self, logits: "Tensor", columns: Columns) -> "Tensor":
        """The gates `[B, k]` of one route for all images, inside of a graph."""
        if self.unit_gates:
            taken = columns(logits)
            return taken.new_ones(taken.shape)
        return graph_score_gates(logits, columns, self.renormalize)

    def logits_of(self, route: Route) -> tuple[float, ...]:
        """The route's experts, all alike, far above the others."""
        return tuple(_FAR * (expert in route) for expert in range(self.experts))

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much the k-th highest score of each row is above the next one, `[B]`."""
        if self.k == len(self.usable):
            return np.full(len(logits), np.inf)
        ordered = -np.sort(-log_scores(logits)[:, list(self.usable)], axis=1)
        return order_margins(ordered[:, self.k], ordered[:, self.k - 1])

    def describe(self) -> str:
        """Such as `top 2 of 8 experts, renormalized`."""
        gates = ", renormalized" if self.renormalize else ", gates of 1" if self.unit_gates else ""
        return f"top {self.k} of {self.experts_in_words}{gates}"


PART: type[Rule] = TopK
