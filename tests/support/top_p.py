"""A rule that is not shipped: routes of different lengths, to show that every rule fits."""

import itertools
import math
from typing import ClassVar

import msgspec
import numpy as np

from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.contract import (
    as_logits,
    is_ascending,
    route_of,
    scores_one,
    softmax,
    softmax_one,
)


class TopP(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="type",
    tag="top_p",
):
    """The fewest best experts whose scores sum to `share`, at most `most`; gates sum to 1."""

    name: ClassVar[str] = "top_p"

    experts: int
    most: int
    share: float = 0.5

    @property
    def longest(self):
        return self.most

    def count(self):
        return sum(math.comb(self.experts, length) for length in range(1, self.most + 1))

    def routes(self):
        for length in range(1, self.most + 1):
            yield from itertools.combinations(range(self.experts), length)

    def contains(self, route):
        return len(route) <= self.most and is_ascending(route, self.experts)

    def cover(self, experts):
        left = sorted(experts)
        for start in range(0, len(left), self.most):
            yield tuple(left[start : start + self.most])

    def select(self, logits):
        logits = as_logits(logits, self.experts)
        members = np.zeros(logits.shape, bool)
        for row, scores in zip(members, softmax(logits).tolist(), strict=True):
            row[self._best(scores)] = True
        return members, self.gates(members, logits)

    def select_one(self, logits):
        row, scores = scores_one(logits, self.experts)
        route = tuple(sorted(self._best(scores)))
        return route, tuple(softmax_one([row[expert] for expert in route]))

    def _best(self, scores):
        """The experts of one image's route, the best first."""
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        total, best = 0.0, []
        for expert in order[: self.most]:
            best.append(expert)
            total += scores[expert]
            if total >= self.share:
                break
        return best

    def gates(self, members, logits):
        return softmax(as_logits(logits, self.experts), members)

    def torch_gates(self, members, logits):
        return logits.masked_fill(~members, -math.inf).softmax(dim=-1)

    def margins(self, logits):
        """Changing every logit by d changes the odds of a sum of scores by a factor to e^2d."""
        members, _ = self.select(logits)
        found = [
            self._margin(row, route_of(inside)) for row, inside in zip(logits, members, strict=True)
        ]
        return np.array(found, np.float64)

    def _margin(self, row, route):
        wide = row.astype(np.float64)
        ordered = -np.sort(-wide)
        scores = np.exp(ordered - ordered[0])
        sums = np.cumsum(scores / scores.sum())
        count = len(route)
        gap = ordered[count - 1] - ordered[count] if count < len(row) else np.inf
        wanted = _log_odds(self.share)
        reached = [] if count == len(row) else [abs(_log_odds(sums[count - 1]) - wanted)]
        before = [] if count == 1 else [abs(_log_odds(sums[count - 2]) - wanted)]
        return min([gap, *reached, *before])

    def describe(self):
        return f"at most {self.most} of {self.experts} experts to {self.share:g} of the scores"


def _log_odds(share):
    share = min(max(float(share), 1e-300), 1 - 1e-16)
    return math.log(share / (1 - share))


PART: type[Rule] = TopP
