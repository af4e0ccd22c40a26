"""The rule `threshold`: every expert whose logit is above its own threshold; the best if none is.

"Top-any" gating of DynMoE (arXiv 2405.14297, section 3.1), over images instead of tokens. There the
logistic function of a similarity is compared with that of a learned number; it is monotone, so here
the logits are compared, which needs no function. The output is the mean of the active experts.
"""

import functools
import itertools
from array import array
from collections.abc import Iterable, Iterator
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
from mvmoe_deploy.routing.rule_arithmetic import as_logits, kept_scores, logits_one

if TYPE_CHECKING:
    from torch import Tensor

Logit = Annotated[float, msgspec.Meta(ge=-3e38, le=3e38)]


class Threshold(
    KeepsExperts,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="type",
    tag="threshold",
):
    """Experts with a logit above their threshold, in fp32; the one of highest logit if none is.

    `thresholds` has a logit for each expert, and is rounded to fp32 before it is compared. Each of
    the n experts of a route has the gate 1 / n. No other experts than those `kept` are selected, if
    some are named.
    """

    name: ClassVar[str] = "threshold"

    experts: Experts
    thresholds: Annotated[tuple[Logit, ...], msgspec.Meta(min_length=1, max_length=4096)]
    kept: Kept | None = None

    def __post_init__(self) -> None:
        """Refuse thresholds that are not one finite logit for each expert."""
        finite = all(abs(threshold) <= 3e38 for threshold in self.thresholds)
        if len(self.thresholds) != self.experts or not finite:
            raise InputError(
                f"threshold was given {len(self.thresholds)} thresholds for {self.experts} "
                "experts; give a finite logit for each expert",
                code="routing.rule-invalid",
                name="thresholds",
            )
        self.require_kept(1)

    @property
    def longest(self) -> int:
        """All experts that are kept may be active."""
        return len(self.usable)

    @property
    def lengths(self) -> range:
        """From one expert to all."""
        return range(1, self.longest + 1)

    def count(self) -> int:
        """The number of sets of experts, without the empty one."""
        return (1 << self.longest) - 1

    def routes(self) -> Iterator[Route]:
        """The sets of one expert, then those of two, and so on, each in lexicographic order."""
        return routes_up_to(self.longest, self.usable)

    def routes_of(self, length: int) -> Iterator[Route]:
        """The sets of that many experts, in lexicographic order."""
        if length in self.lengths:
            yield from itertools.combinations(self.usable, length)

    def contains(self, route: Route) -> bool:
        """Whether a route is ascending experts, all of them kept."""
        return self.are_usable(route)

    def cover(self, experts: Iterable[int]) -> Iterator[Route]:
        """The given experts in one route."""
        wanted = tuple(sorted(set(experts).intersection(self.usable)))
        if wanted:
            yield wanted

    def select(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The routes `[B, E]` (bool) and gates `[B, E]` (fp32) of logits `[B, E]`."""
        logits = as_logits(logits, self.experts)
        ranked = kept_scores(logits, self.kept)
        members = ranked > np.array(self.thresholds, np.float32)
        none = ~members.any(axis=-1)
        # Of equal logits `argmax` takes the first.
        members[none, ranked[none].argmax(axis=-1)] = True
        return members, self.gates(members, logits)

    def select_one(self, logits: np.ndarray) -> tuple[Route, tuple[float, ...]]:
        """The route and its gates of one image's logits `[E]` (fp32)."""
        row = logits_one(logits, self.experts)
        thresholds = _rounded(self.thresholds)
        usable = self.usable
        route = tuple([expert for expert in usable if row[expert] > thresholds[expert]])
        if not route:
            route = (max(usable, key=row.__getitem__),)
        return route, (_share(len(route)),) * len(route)

    def gates(self, members: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """The gates `[B, E]` (fp32) that logits `[B, E]` give to routes `[B, E]` (bool)."""
        as_logits(logits, self.experts)
        shares: np.ndarray = members / np.maximum(members.sum(axis=-1, keepdims=True), 1)
        return shares.astype(np.float32)

    def torch_gates(self, members: "Tensor", logits: "Tensor") -> "Tensor":
        """`gates` on PyTorch's tensors; the gradient is that of the logistic function.

        The thresholds decide without a gradient, so each gate is multiplied by
        `1 + (s - stop_gradient(s))`, s being how sure the router is of its expert: 1 in value.
        """
        sure = (logits - logits.new_tensor(self.thresholds)).sigmoid()
        shares = members / members.sum(dim=-1, keepdim=True).clamp(min=1)
        return shares.to(logits.dtype) * (1 + (sure - sure.detach()))

    def graph_select(self, logits: "Tensor") -> "tuple[Tensor, Tensor]":
        """All experts `[B, longest]` (int64) and their gates, 0 for those not on the route."""
        thresholds = [self.thresholds[expert] for expert in self.usable]
        if self.kept is not None:
            numbers = logits.new_tensor(self.kept).long()
            logits = logits.index_select(1, numbers)
        active = (logits > logits.new_tensor(thresholds)).to(logits.dtype)
        highest = logits == logits.amax(dim=-1, keepdim=True)
        first = (highest & (highest.cumsum(dim=-1) == 1)).to(logits.dtype)
        none = (active.amax(dim=-1, keepdim=True) == 0).to(logits.dtype)
        active = active + none * first
        experts = logits.new_ones(logits.shape).cumsum(dim=-1).long() - 1
        if self.kept is not None:
            experts = numbers.expand(experts.shape)
        return experts, active / active.sum(dim=-1, keepdim=True)

    def graph_gates(self, logits: "Tensor", columns: Columns) -> "Tensor":
        """The gates `[B, k]` of one route for all images, inside of a graph."""
        taken = columns(logits)
        return taken.new_ones(taken.shape) / taken.shape[1]

    def logits_of(self, route: Route) -> tuple[float, ...]:
        """The route's experts above their thresholds, the others below, by 1 or a thousandth."""
        signs = (1 if expert in route else -1 for expert in range(self.experts))
        pairs = zip(signs, self.thresholds, strict=True)
        return tuple(least + sign * max(1.0, abs(least) * 1e-3) for sign, least in pairs)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much each row of logits `[B, E]` keeps its route, `[B]`.

        An expert enters or leaves a route when its logit passes its threshold. A single expert that
        falls below its own stays on the route as long as its logit is the highest.
        """
        usable = list(self.usable)
        wide = logits.astype(np.float64)[:, usable]
        above = wide - np.array(self.thresholds, np.float32).astype(np.float64)[usable]
        members = self.select(logits)[0][:, usable]
        alone = members.sum(axis=-1) == 1
        others = np.where(members, -np.inf, wide).max(axis=-1)
        lead = np.where(members, wide, -np.inf).max(axis=-1) - others
        crossing = 2 * np.abs(above)
        single = np.maximum(np.maximum(2 * above, 0), lead[:, None])
        crossing = np.where(members & alone[:, None], single, crossing)
        found: np.ndarray = crossing.min(axis=-1)
        return found

    def describe(self) -> str:
        """Such as `those of 8 experts above their thresholds, the best if none is`."""
        return f"those of {self.experts_in_words} above their thresholds, the best if none is"


@functools.lru_cache(maxsize=64)
def _rounded(thresholds: tuple[float, ...]) -> list[float]:
    """Thresholds as fp32 has them."""
    return array("f", thresholds).tolist()


@functools.lru_cache(maxsize=4096)
def _share(count: int) -> float:
    """1 / count, rounded to fp32."""
    share: float = array("f", [1 / count])[0]
    return share


PART: type[Rule] = Threshold
