"""What a target may differ by from PyTorch, for each precision: the one place, with the reasons.

`docs/verify.md` shows the same numbers. The route guard and `mvmoe verify` both take theirs here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mvmoe_deploy.bundle.manifest import Precision, Target


@dataclass(frozen=True)
class Bounds:
    """Bounds of one format and precision.

    Errors are relative to the largest reference value of what is compared: the logits of one
    router, the answers of one route.
    """

    router_error: float
    """Largest error of a router logit."""
    answer_error: float
    """Largest error of an answer."""
    psnr_db: float
    """Least peak signal-to-noise ratio of the answers of a route, in decibels."""
    top1_agreement: float
    """Least share of a route's images with the same best class, near-ties of classes left out."""
    routing_agreement: float
    """Least share of images with the same route, near-ties of experts left out."""
    reason: str
    """Why these numbers."""


_FP32 = Bounds(
    router_error=1e-4,
    answer_error=1e-4,
    psnr_db=90.0,
    top1_agreement=1.0,
    routing_agreement=1.0,
    reason=(
        "engines add in another order than PyTorch: measured at 4e-6 over twelve layers, while a "
        "wrong expert or a lost gate is off by 1e-2 and more"
    ),
)

_FP16 = Bounds(
    router_error=1e-2,
    answer_error=1e-2,
    psnr_db=45.0,
    top1_agreement=1.0,
    routing_agreement=1.0,
    reason=(
        "fp16 rounds each value by up to 4.9e-4, and about a hundred roundings on the way through "
        "twelve layers add up like a random walk to ten times that at most; 1.5e-3 was measured "
        "with the output of every module of a 12-layer model rounded in PyTorch"
    ),
)

_INT8 = Bounds(
    router_error=5e-2,
    answer_error=1e-1,
    psnr_db=30.0,
    top1_agreement=0.9,
    routing_agreement=1.0,
    reason=(
        "int8 weights round by up to 1/254 of their channel's largest value: 2.8e-2 was measured "
        "for answers, 2.2e-2 for a router that stays in fp32 and 47 dB with rounded weights in "
        "PyTorch, and int8 activations add as much again; to be narrowed once it is measured"
    ),
)

_COREML_FP32 = Bounds(
    router_error=1e-3,
    answer_error=1e-3,
    psnr_db=70.0,
    top1_agreement=1.0,
    routing_agreement=1.0,
    reason=(
        "as any fp32, but Core ML may choose the GPU, whose exponentials and divisions are "
        "approximations of a few units in the last place"
    ),
)

_COREML_FP16 = Bounds(
    router_error=2e-2,
    answer_error=2e-2,
    psnr_db=40.0,
    top1_agreement=1.0,
    routing_agreement=1.0,
    reason=(
        "as any fp16, but the Neural Engine is not documented to add up in more than fp16, which "
        "can double the error; a reference evaluator of the same program was measured at 4.9e-4 "
        "over four layers; to be narrowed once it is measured on devices"
    ),
)

_BY_PRECISION: dict[Precision, Bounds] = {"fp32": _FP32, "fp16": _FP16, "int8": _INT8}
_BY_FORMAT: dict[tuple[str, Precision], Bounds] = {
    ("coreml", "fp32"): _COREML_FP32,
    ("coreml", "fp16"): _COREML_FP16,
}
"""Where an engine differs from what its precision says."""

_BY_REWRITE: dict[str, Bounds] = {
    "gelu-tanh": Bounds(
        router_error=2e-3,
        answer_error=2e-3,
        psnr_db=65.0,
        top1_agreement=1.0,
        routing_agreement=1.0,
        reason=(
            "the tanh form of GELU is off by up to 5e-4 at each of them, unless the model was "
            "trained with it: measured at 1.2e-4 over twelve layers with random weights"
        ),
    )
}
"""Rewrites that compute something else on purpose."""


CONDITION_FACTOR: dict[Precision, float] = {"fp32": 8, "fp16": 2 * 2**13}
"""How many times PyTorch's own fp32 error a graph may be off by.

fp32: both are the largest of a few random numbers of one spread, and engines add in other orders
and approximate exp and erf by a few units in the last place; up to 4.4 times was measured on
models made ill-conditioned on purpose. fp16: its rounding is 2^13 times that of fp32; 0.3 of that
ratio was measured, since sums are kept in more than fp16, and twice the ratio is allowed.
"""

_MOST: dict[Precision, float] = {"fp32": 5e-3, "fp16": 5e-2}
"""No conditioning allows more than this: a wrong expert or a lost gate is off by 1e-2 and more, and
answers in fp16 that are off by a twentieth are of no use. int8 is bounded by its steps, which have
nothing to do with how rounding grows."""


def allowed(bound: float, own: float, precision: Precision) -> float:
    """A bound where PyTorch's own fp32 error is `own`, both relative to the largest value.

    `CONDITION_FACTOR` times that error; at least `bound`, and no more than what `_MOST` has for the
    precision.
    """
    if precision not in _MOST or math.isnan(own):
        return bound
    return max(bound, min(CONDITION_FACTOR[precision] * own, _MOST[precision]))


def is_lost_in_rounding(own: float) -> bool:
    """Whether fp32 does not define a value: PyTorch's own error exceeds all that is allowed."""
    return not own * CONDITION_FACTOR["fp32"] <= _MOST["fp32"]


def conditioned(bounds: Bounds, precision: Precision, router: float, answer: float) -> Bounds:
    """Bounds of a model whose own fp32 errors are `router` (of its logits) and `answer`.

    Where answers may be further off, the signal-to-noise ratio asks for no more than that allows.
    """
    answers = allowed(bounds.answer_error, answer, precision)
    grown = answers > bounds.answer_error
    return replace(
        bounds,
        router_error=allowed(bounds.router_error, router, precision),
        answer_error=answers,
        psnr_db=min(bounds.psnr_db, -20 * math.log10(answers)) if grown else bounds.psnr_db,
    )


def bounds_of(record: Target) -> Bounds:
    """The bounds of a target's graphs, with what its export has found of the model's conditioning.

    That is in the manifest, and counts up to what is allowed at all.
    """
    bounds = bounds_for(record.format, record.precision, record.rewrites)
    verified = record.parity.verification if record.parity else None
    if verified is None:
        return bounds
    factor = CONDITION_FACTOR.get(record.precision, 1)
    told = verified.router_error_bound / factor, verified.answer_error_bound / factor
    return conditioned(bounds, record.precision, *told)


def bounds_for(format_: str, precision: Precision, rewrites: Iterable[str] = ()) -> Bounds:
    """The bounds of graphs of a format in `precision`; of an unknown format those of any engine.

    Where one of `rewrites` approximates, each bound is the looser one.
    """
    bounds = _BY_FORMAT.get((format_, precision), _BY_PRECISION[precision])
    for name in rewrites:
        if name in _BY_REWRITE:
            bounds = _looser(bounds, _BY_REWRITE[name])
    return bounds


def _looser(one: Bounds, other: Bounds) -> Bounds:
    """Bounds that whatever meets either of two meets."""
    return Bounds(
        router_error=max(one.router_error, other.router_error),
        answer_error=max(one.answer_error, other.answer_error),
        psnr_db=min(one.psnr_db, other.psnr_db),
        top1_agreement=min(one.top1_agreement, other.top1_agreement),
        routing_agreement=min(one.routing_agreement, other.routing_agreement),
        reason=f"{one.reason}; {other.reason}",
    )
