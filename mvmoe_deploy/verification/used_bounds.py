"""The bounds that a target is held to: those of its manifest, within limits of our own.

A manifest is not trusted, and an ill-conditioned model may need more than its target's bounds. Both
end at `LIMITS`, whatever a bundle asks for.
"""

import math
from dataclasses import dataclass

import msgspec

from mvmoe_deploy.bundle.manifest import Bounds, Target

LIMITS = Bounds(
    router_error=0.5,
    answer_error=0.6,
    psnr_db=10.0,
    agreement=0.8,
    routing_agreement=0.98,
    own_error_factor=2.0 * 2**13,
    conditioned_error=5e-2,
    reason=(
        "answers that are off by more than half of the largest one, or a route in fifty that "
        "rounding does not explain, are of no use in any precision"
    ),
)
"""The loosest bounds that any bundle may ask for."""

FP32 = Bounds()
"""The bounds of PyTorch's own fp32, and of graphs whose manifest has none."""


@dataclass(frozen=True)
class UsedBounds:
    """The bounds that a target was held to."""

    bounds: Bounds
    limited: bool
    """Whether its manifest asks for looser ones than `LIMITS`, which were used instead."""


def used_bounds(record: Target, router: float = 0.0, answer: float = 0.0) -> UsedBounds:
    """The bounds of a target's graphs: its manifest's within `LIMITS`, for this model.

    `router` and `answer` are PyTorch's own fp32 errors of logits and answers, relative to the
    largest of each. What the export found of them is in the manifest, and counts as well.
    """
    bounds = stricter(record.bounds, LIMITS)
    limited = _numbers(bounds) != _numbers(record.bounds)
    verified = record.parity.verification if record.parity else None
    if verified is not None and bounds.own_error_factor:
        router = max(router, verified.router_error_bound / bounds.own_error_factor)
        answer = max(answer, verified.answer_error_bound / bounds.own_error_factor)
    return UsedBounds(conditioned(bounds, router, answer), limited)


def allowed(bound: float, own: float, bounds: Bounds) -> float:
    """A bound where PyTorch's own fp32 error is `own`, both relative to the largest value.

    `own_error_factor` times that error; at least `bound`, and no more than `conditioned_error`.
    """
    if math.isnan(own):
        return bound
    return max(bound, min(bounds.own_error_factor * own, bounds.conditioned_error))


def is_lost_in_rounding(own: float) -> bool:
    """Whether fp32 does not define a value: PyTorch's own error exceeds all that is allowed."""
    return not own * FP32.own_error_factor <= FP32.conditioned_error


def conditioned(bounds: Bounds, router: float, answer: float) -> Bounds:
    """Bounds of a model whose own fp32 errors are `router` (of its logits) and `answer`.

    Where answers may be further off, the signal-to-noise ratio asks for no more than that allows.
    """
    answers = allowed(bounds.answer_error, answer, bounds)
    grown = answers > bounds.answer_error
    return msgspec.structs.replace(
        bounds,
        router_error=allowed(bounds.router_error, router, bounds),
        answer_error=answers,
        psnr_db=min(bounds.psnr_db, -20 * math.log10(answers)) if grown else bounds.psnr_db,
    )


def looser(one: Bounds, other: Bounds) -> Bounds:
    """The looser of two bounds, field by field, with the reasons of both."""
    return Bounds(
        router_error=max(one.router_error, other.router_error),
        answer_error=max(one.answer_error, other.answer_error),
        psnr_db=min(one.psnr_db, other.psnr_db),
        agreement=min(one.agreement, other.agreement),
        routing_agreement=min(one.routing_agreement, other.routing_agreement),
        own_error_factor=max(one.own_error_factor, other.own_error_factor),
        conditioned_error=max(one.conditioned_error, other.conditioned_error),
        reason=f"{one.reason}; {other.reason}",
    )


def stricter(one: Bounds, other: Bounds) -> Bounds:
    """The stricter of two bounds, field by field, with the reason of the first."""
    return Bounds(
        router_error=min(one.router_error, other.router_error),
        answer_error=min(one.answer_error, other.answer_error),
        psnr_db=max(one.psnr_db, other.psnr_db),
        agreement=max(one.agreement, other.agreement),
        routing_agreement=max(one.routing_agreement, other.routing_agreement),
        own_error_factor=min(one.own_error_factor, other.own_error_factor),
        conditioned_error=min(one.conditioned_error, other.conditioned_error),
        reason=one.reason,
    )


def _numbers(bounds: Bounds) -> Bounds:
    """Bounds without their reason."""
    return msgspec.structs.replace(bounds, reason="")
