"""How far the graphs of a target may be from PyTorch: what an export writes into the manifest.

`docs/verify.md` shows the same numbers. The route guard and `mvmoe verify` hold graphs to those of
the manifest.
"""

from collections.abc import Iterable

from mvmoe_deploy.bundle.manifest import Bounds, Precision
from mvmoe_deploy.verification.bounds import looser

# A factor of 8 on PyTorch's own error, in fp32: both are the largest of a few random numbers of
# one spread, and engines add in other orders and approximate exp and erf by a few units in the
# last place; up to 4.4 times was measured on models made ill-conditioned on purpose. No more than
# 5e-3 counts, and 5e-2 in fp16: a wrong expert or a lost gate is off by 1e-2 and more, and answers
# in fp16 that are off by a twentieth are of no use. int8 is bounded by its steps, which have
# nothing to do with how rounding grows.
_FP16_FACTOR = 2.0 * 2**13
"""The rounding of fp16 is 2^13 times that of fp32; 0.3 of that ratio was measured, since sums are
kept in more than fp16, and twice the ratio is allowed."""

_FP32 = Bounds(
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
    own_error_factor=_FP16_FACTOR,
    conditioned_error=5e-2,
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
    own_error_factor=0.0,
    conditioned_error=0.0,
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
    own_error_factor=8.0,
    conditioned_error=5e-3,
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
    own_error_factor=_FP16_FACTOR,
    conditioned_error=5e-2,
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
        own_error_factor=0.0,
        conditioned_error=0.0,
        reason=(
            "the tanh form of GELU is off by up to 5e-4 at each of them, unless the model was "
            "trained with it: measured at 1.2e-4 over twelve layers with random weights"
        ),
    )
}
"""Rewrites that compute something else on purpose."""


def bounds_for(format_: str, precision: Precision, rewrites: Iterable[str] = ()) -> Bounds:
    """The bounds of graphs of a format in `precision`; of an unknown format those of any engine.

    Where one of `rewrites` approximates, each bound is the looser one.
    """
    bounds = _BY_FORMAT.get((format_, precision), _BY_PRECISION[precision])
    for name in rewrites:
        if name in _BY_REWRITE:
            bounds = looser(bounds, _BY_REWRITE[name])
    return bounds
