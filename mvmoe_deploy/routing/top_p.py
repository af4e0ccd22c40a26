"""The rule `top_p`: the fewest experts whose scores together exceed p; harder images take more.

Dynamic routing of "Harder Tasks Need More Experts" (arXiv 2403.07652, section 3.2), over images
instead of tokens and with a limit. The scores of the route are its gates, as there; with
`renormalize` divided by their sum.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import (
    Columns,
    Experts,
    Route,
    Rule,
    routes_up_to,
)
from mvmoe_deploy.routing.kept_experts import KeepsExperts, Kept
from mvmoe_deploy.routing.rule_arithmetic import (
    as_logits,
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
)

if TYPE_CHECKING:
    from torch import Tensor

_ROUNDING = 2.0**-22
"""More than the fp32 scores of a route, and their sum, are off by, relative to it."""

_CLEAR = 1e-4
"""Scores may be off by half of this, and a route is still the one that they were made for."""


class TopP(
    KeepsExperts,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="type",
    tag="top_p",
):
    """Experts by descending score, ties to the lowest, until their sum exceeds `p`.

    No more than `k_max` of them. The sum is one of fp32 scores in double precision, in that order.
    No other experts than those `kept` are selected, if some are named; scores are those of all.
    """

    name: ClassVar[str] = "top_p"

    experts: Experts
    p: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    k_max: Experts
    renormalize: bool = False
    kept: Kept | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that no image could follow."""
        if not (0 <= self.p < 1 and 1 <= self.k_max <= self.experts):
            raise InputError(
                f"top_p with p = {self.p} and k_max = {self.k_max} cannot select from "
                f"{self.experts} experts; give 0 <= p < 1 and 1 <= k_max <= experts",
                code="routing.rule-invalid",
                name="p",
            )
        self.require_kept(1)

    @property
    def longest(self) -> int:
        """The best m of all E experts have a share of m / E or more: few are enough for any p."""
        if self.kept is not None:
            return min(self.k_max, len(self.kept))
        enough = math.floor(self.p * self.experts * (1 + _ROUNDING)) + 1
        return min(self.k_max, self.experts, enough)

    @property
    def lengths(self) -> range:
        """From one expert to `longest`."""
        return range(1, self.longest + 1)

    def count(self) -> int:
        """The number of sets of up to `longest` experts."""
        usable = len(self.usable)
        return sum(math.comb(usable, length) for length in range(1, self.longest + 1))

    def routes(self) -> Iterator[Route]:
        """The sets of one expert, then those of two, and so on, each in lexicographic order."""
        return routes_up_to(self.longest, self.usable)

    def routes_of(self, length: int) -> Iterator[Route]:
        """The sets of that many experts, in lexicographic order."""
        if length in self.lengths:
            yield from itertools.combinations(self.usable, length)

    def contains(self, route: Route) -> bool:
        """Whether a route is up to `longest` ascending experts, all of them kept."""
        return len(route) <= self.longest and self.are_usable(route)

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """The given experts, `longest` at a time."""
        left = sorted(set(experts).intersection(self.usable))
        for start in range(0, len(left), self.longest):
            yield tuple(left[start : start + self.longest])

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""
        logits = as_logits(logits, self.experts)
        found = softmax(logits)
        # A stable sort of the negated scores is what sends ties to the lowest expert.
        ranked = kept_scores(found, self.kept)
        order = np.argsort(-ranked, axis=-1, kind="stable")[:, : self.longest]
        taken = np.take_along_axis(found, order, axis=-1).astype(np.float64)
        members = np.zeros(logits.shape, bool)
        np.put_along_axis(members, order, _sums_before(taken) <= self.p, axis=-1)
        return members, self.gates(members, logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32)."""
        row, scores = scores_one(logits, self.experts)
        order = sorted(self.usable, key=scores.__getitem__, reverse=True)
        length, total, longest = 0, 0.0, self.longest
        while length < longest and total <= self.p:
            total += scores[order[length]]
            length += 1
        route = tuple(sorted(order[:length]))
        return route, score_gates_one(route, row, scores, self.renormalize)

    def gates(self, members: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The gates `[B, E]` (fp32) that logits `[B, E]` give to routes `[B, E]` (bool)."""
        return score_gates(members, as_logits(logits, self.experts), self.renormalize)

    def torch_gates(self, members: "Tensor", logits: "Tensor") -> "Tensor":
        """`gates` on PyTorch's tensors, differentiable by the logits."""
        return torch_score_gates(members, logits, self.renormalize)

    def graph_select(self, logits: "Tensor") -> "tuple[Tensor, Tensor]":
        """The best experts `[B, longest]` (int64) and their gates, 0 for those not on the route."""
        ranked = graph_kept(logits.softmax(dim=-1), self.kept)
        scores, experts = ranked.topk(self.longest, dim=-1)
        gates = scores.masked_fill(scores.cumsum(dim=-1) - scores > self.p, 0.0)
        if self.renormalize:  # Scores of a selected route do not all underflow.
            gates = gates / gates.sum(dim=-1, keepdim=True)
        return experts, gates

    def graph_gates(self, logits: "Tensor", columns: Columns) -> "Tensor":
        """The gates `[B, k]` of one route for all images, inside of a graph."""
        return graph_score_gates(logits, columns, self.renormalize)

    def logits_of(self, route: Route) -> tuple[float, ...] | None:
        """The route's m experts have one score a, the others another, so that m a > p >= (m - 1) a.

        None where p is so small that only a tie of all experts makes a route of m.
        """
        size, others = len(route), self.experts - len(route)
        if not others:
            # One score is left, 1 / m: is it clearly below what all but the last may have?
            fits = size == 1 or self.p / (size - 1) - 1 / size >= _CLEAR / 2
            return (0.0,) * self.experts if fits else None
        least = max(self.p / size if size < self.longest else 0.0, 1 / self.experts)
        most = min(self.p / (size - 1) if size > 1 else 1.0, 1 / size)
        score = (least + most) / 2
        other = (1 - size * score) / others
        if most - least < _CLEAR or other <= 0:
            return None
        above = math.log(score / other)
        return tuple(above * (expert in route) for expert in range(self.experts))

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much each row of logits `[B, E]` keeps its route, `[B]`.

        Changing every logit by half of t or less changes the log-odds of a sum of scores by t or
        less. So besides the order of its last expert and the next one a route depends on the
        distance of two log-odds from those of p: those of its sum, and those of its sum without
        its last expert.
        """
        lengths = self.select(logits)[0].sum(axis=-1)
        every = log_scores(logits)
        usable = -np.sort(-every[:, list(self.usable)], axis=1)
        none = np.full((len(logits), 1), -np.inf)
        padded = np.concatenate([usable, none], axis=1)
        # Of the rest of a sum those are a part that cannot be selected.
        dropped = sorted(set(range(self.experts)).difference(self.usable))
        ordered = np.concatenate([usable, every[:, dropped]], axis=1)
        last, following = (
            np.take_along_axis(padded, (lengths - 1 + step)[:, None], axis=1)[:, 0]
            for step in (0, 1)
        )
        kept = order_margins(following, last)
        # A route that has reached the limit stays whatever its sum, and one expert is always taken.
        with np.errstate(invalid="ignore"):  # both infinite: one of these
            reached = _log_odds_of_first(ordered, lengths) - _log_odds(self.p * (1 + _ROUNDING))
            missed = _log_odds(self.p * (1 - _ROUNDING)) - _log_odds_of_first(ordered, lengths - 1)
        reached = np.where(lengths == self.longest, np.inf, reached)
        missed = np.where(lengths == 1, np.inf, missed)
        found: np.ndarray = np.maximum(np.minimum(kept, np.minimum(reached, missed)), 0)
        return found

    def describe(self) -> str:
        """Such as `top p = 0.5 of 8 experts, at most 2`."""
        gates = ", renormalized" if self.renormalize else ""
        return f"top p = {self.p:g} of {self.experts_in_words}, at most {self.longest}{gates}"


def _sums_before(taken: np.ndarray) -> np.ndarray:
    """For each score of rows `[B, k]` the sum of those before it, added one after the other."""
    sums = np.cumsum(taken, axis=-1)
    return np.concatenate([np.zeros((len(taken), 1)), sums[:, :-1]], axis=-1)


def _log_odds(share: float) -> float:
    """ln(share / (1 - share)), infinite at 0 and 1."""
    if share <= 0 or share >= 1:
        return math.copysign(math.inf, share - 0.5)
    return math.log(share) - math.log1p(-share)


def _log_odds_of_first(ordered: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """The log-odds `[B]` of the sum of the first `lengths` scores, by their logarithms `[B, E]`.

    Both sums are taken by themselves: one minus the other would cancel.
    """
    inside = np.arange(ordered.shape[1]) < np.asarray(lengths)[:, None]
    shares = np.exp(ordered)
    with np.errstate(divide="ignore"):
        first, rest = (np.log((shares * part).sum(axis=1)) for part in (inside, ~inside))
    found: np.ndarray = first - rest
    return found


PART: type[Rule] = TopP
