"""The arithmetic that rules share: scores, gates, and the margins of what they decide.

It is normative for every language (`docs/bundle.md`, *Routing*): it is done in double precision,
sums start at 0 and add the experts in ascending order, one after the other, and what comes out is
rounded to fp32. So NumPy's `sum` (pairwise) and Python's (compensated from 3.12 on) are not used
here. Margins are for the tools alone, and no language has to compute them.
"""

import math
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from mvmoe_deploy.errors import RoutingError

if TYPE_CHECKING:
    from torch import Tensor

_STEP = 2.0**-22
"""Two roundings to fp32, relative to what is rounded, and as much again for the logarithms."""

_BELOW_ONE = 1 - 2.0**-20
"""Weights below this have another score in fp32 than the weight 1, whatever the total is."""

_exp = math.exp

_SMALLEST = -149 * math.log(2)
"""The logarithm of the smallest number of fp32 above 0."""


def as_logits(logits: np.ndarray, experts: int | None = None) -> np.ndarray:
    """Router logits `[B, E]` as fp32.

    Raises RoutingError when they have another shape or type or one of them is not finite; what
    overflows in fp32 is not finite.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2 or logits.shape[1] == 0 or experts not in (None, logits.shape[1]):
        _refuse_shape(logits.shape, f"[B, {experts or 'experts'}]")
    if logits.dtype.kind not in "fiu":
        raise RoutingError(
            f"the router gave logits of type {logits.dtype}; expected numbers",
            code="routing.logits-shape",
            found=str(logits.dtype),
        )
    with np.errstate(over="ignore"):
        logits = logits.astype(np.float32, copy=False)
    if not np.isfinite(logits).all():
        _refuse_not_finite(logits)
    return logits


def softmax(logits: np.ndarray, members: np.ndarray | None = None) -> np.ndarray:
    """The softmax `[B, E]` (fp32) of finite logits `[B, E]` (fp32), each row over its members.

    Those that are no members get 0. All are without `members` `[B, E]` (bool). It is computed as
    the module says, so every language gets the same fp32 values, whatever its `exp` does in the
    last bit of a double.
    """
    wide = logits.astype(np.float64)
    if members is not None:
        wide = np.where(members, wide, -np.inf)
    weights = np.exp(wide - wide.max(axis=-1, keepdims=True))
    # A running sum adds from the first expert to the last; members' weights of 0 change nothing.
    totals = np.cumsum(weights, axis=-1)[:, -1:]
    shares: np.ndarray = weights / totals
    return shares.astype(np.float32)


def softmax_one(logits: Sequence[float]) -> list[float]:
    """`softmax` of the finite logits of one image, all of them members."""
    top = max(logits)
    total = 0.0
    weights = []
    for logit in logits:
        weight = math.exp(logit - top)
        total += weight
        weights.append(weight)
    return array("f", [weight / total for weight in weights]).tolist()


def first_one(logits: Sequence[float]) -> tuple[int, float] | None:
    """The expert of highest score of one image's logits, and that score, as `softmax_one` has them.

    None where `softmax_one` has to be asked: another score may be equal once rounded, or a logit
    is not finite. Between two graphs each function of C that is called runs cold, which takes 2 to
    10 us, and a loop of Python does not: so `exp` is the only one here.
    """
    top = logits[0]
    for logit in logits:
        if logit > top:  # noqa: PLR1730  `max` takes 4 us here.
            top = logit
    total, unclear = 0.0, 0
    for logit in logits:
        weight = _exp(logit - top)
        total += weight
        if not 0.0 < weight < _BELOW_ONE:  # The highest itself; what ties with it; NaN; underflow.
            unclear += 1
    if unclear != 1 or not total >= 1.0:
        return None
    return logits.index(top), rounded_share(1.0 / total)


def rounded_share(share: float) -> float:
    """A share of 2^-12 to 1 in fp32: to the nearest, ties to even.

    A double near 1.5 * 2^29 has the last bit that fp32 has from 1 to 2, and so on by powers of 2.
    """
    least, shift = 1.0, 1.5 * 2.0**29
    while share < least:
        least *= 0.5
        shift *= 0.5
    return share + shift - shift


def scores(logits: np.ndarray) -> np.ndarray:
    """The scores of router logits `[B, E]`: their softmax; raises RoutingError as `as_logits`."""
    return softmax(as_logits(logits))


def logits_one(logits: np.ndarray, experts: int) -> list[float]:
    """One image's logits, from `[E]` (fp32); raises RoutingError as `as_logits` does."""
    if logits.shape != (experts,):
        _refuse_shape(logits.shape, f"[{experts}]")
    row: list[float] = logits.tolist()
    # A sum is not finite if one of its terms is not, and fp32 numbers do not overflow in double.
    if not math.isfinite(sum(row)):
        _refuse_not_finite(logits[None])
    return row


def scores_one(logits: np.ndarray, experts: int) -> tuple[list[float], list[float]]:
    """The logits and scores of one image's router, from logits `[E]` (fp32).

    Raises RoutingError as `as_logits` does.
    """
    row = logits_one(logits, experts)
    return row, softmax_one(row)


def kept_scores(scores: np.ndarray, kept: tuple[int, ...] | None) -> np.ndarray:
    """Scores, or logits, `[B, E]` by which experts are ranked: minus infinity if not kept."""
    if kept is None:
        return scores
    dropped = np.ones(scores.shape[1], bool)
    dropped[list(kept)] = False
    return np.where(dropped, np.float32(-np.inf), scores)


def graph_kept(scores: "Tensor", kept: tuple[int, ...] | None) -> "Tensor":
    """`kept_scores` on PyTorch's tensors, inside of a graph."""
    if kept is None:
        return scores
    lowered = [0.0 if expert in kept else 2.0 for expert in range(scores.shape[1])]
    return scores - scores.new_tensor(lowered)


def score_gates(members: np.ndarray, logits: np.ndarray, renormalize: bool) -> np.ndarray:
    """The scores of the members `[B, E]` (bool) as gates `[B, E]` (fp32), 0 for the others.

    With `renormalize` they are the softmax of the members' own logits, which is their scores
    divided by the sum of these. It has no gap: the scores of an imposed route may all underflow to
    0, the softmax of its logits does not.
    """
    if renormalize:
        return softmax(logits, members)
    return np.where(members, softmax(logits), np.float32(0))


def score_gates_one(
    route: Sequence[int], logits: list[float], scores: list[float], renormalize: bool
) -> tuple[float, ...]:
    """`score_gates` of one image's route, in its order, from its logits and scores."""
    if renormalize:
        return tuple(softmax_one([logits[expert] for expert in route]))
    return tuple([scores[expert] for expert in route])


def torch_score_gates(members: "Tensor", logits: "Tensor", renormalize: bool) -> "Tensor":
    """`score_gates` on PyTorch's tensors, differentiable by the logits."""
    if renormalize:
        return logits.masked_fill(~members, -math.inf).softmax(dim=-1)
    return logits.softmax(dim=-1).masked_fill(~members, 0.0)


def torch_unit_gates(members: "Tensor", logits: "Tensor") -> "Tensor":
    """1 for the members `[B, E]` (bool), 0 for the others, with the gradient of their scores.

    It is `1 + (p - stop_gradient(p))`: routers of experts that are added up without a gate learn by
    it, and what is computed forward is exact.
    """
    scores = logits.softmax(dim=-1)
    return (1 + (scores - scores.detach())).masked_fill(~members, 0.0)


def graph_score_gates(
    logits: "Tensor", columns: "Callable[[Tensor], Tensor]", renormalize: bool
) -> "Tensor":
    """The gates `[B, k]` of one route for all images, inside of a graph, as `GraphRule` says."""
    if renormalize:
        return columns(logits).softmax(dim=-1)
    return columns(logits.softmax(dim=-1))


def log_scores(logits: np.ndarray) -> np.ndarray:
    """The logarithms `[B, E]` of the scores of logits `[B, E]`, in double precision."""
    wide = logits.astype(np.float64)
    wide = wide - wide.max(axis=-1, keepdims=True)
    found: np.ndarray = wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return found


def order_margins(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """By how much logits keep the order of two scores, `[B]`; `log_scores` are given.

    It is the difference of the logits, less what fp32 scores cannot show: scores closer than a step
    of fp32 are equal, and so are all that underflow.

    Let every logit change by half of t or less. Then the larger score, a, stays above a exp(-t),
    the smaller, b, below b exp(t), and the ratio a / b above (a / b) exp(-t). So their difference
    stays above 2^-23 a for t < ln(a / b) - 2^-22, and above 2^-149, the step of fp32 where scores
    underflow, for t < ln(a / (b + 2^-149)).
    """
    with np.errstate(invalid="ignore"):  # nothing below: minus infinity
        steps = upper - lower - _STEP
        visible = upper - np.logaddexp(lower, _SMALLEST)
    return np.where(np.isneginf(lower), np.inf, np.maximum(np.minimum(steps, visible), 0))


def _refuse_shape(shape: tuple[int, ...], expected: str) -> NoReturn:
    """Say what shape logits have and what was expected."""
    raise RoutingError(
        f"the router gave logits of shape {list(shape)}, but its rule expects {expected}",
        code="routing.logits-shape",
        found=list(shape),
    )


def _refuse_not_finite(logits: np.ndarray) -> NoReturn:
    """Name the first logit that is not finite."""
    row, expert = np.argwhere(~np.isfinite(logits))[0].tolist()
    raise RoutingError(
        f"the router gave a logit that is not finite for image {row} of the batch "
        f"({logits[row, expert]} for expert {expert}); check the image and the weights of the stem",
        code="routing.not-finite",
        image=row,
        expert=expert,
    )
