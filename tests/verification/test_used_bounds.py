"""What a target is held to: its manifest's bounds, within limits that no manifest can move."""

import math

import msgspec
import pytest

from mvmoe_deploy.bundle.manifest import (
    Bounds,
    File,
    Graph,
    Parity,
    Target,
    TensorSpec,
    Verification,
)
from mvmoe_deploy.verification.used_bounds import FP32, LIMITS, looser, stricter, used_bounds

NUMBERS = [name for name in Bounds.__struct_fields__ if name != "reason"]


def target(bounds=FP32, verification=None):
    tensor = TensorSpec(name="image", shape=(1, 1, 8, 8), dtype="float32")
    graph = Graph(
        name="stem",
        stage=0,
        route=None,
        file="a",
        weight_bytes=1,
        exclusive_bytes=1,
        inputs=(tensor,),
        outputs=(tensor,),
    )
    return Target(
        format="onnx",
        strategy="dispatch",
        precision="fp32",
        batch=1,
        graphs=(graph,),
        weights=None,
        files=(File(path="a", bytes=1, sha256="0" * 64),),
        parity=Parity(graphs=1, max_abs_error=0, tolerance=0, verification=verification),
        bounds=bounds,
    )


def verified(router, answer):
    return Verification(
        images=8,
        routing_agreement=1,
        router_error=0,
        router_error_bound=router,
        answer_error=0,
        answer_error_bound=answer,
        outputs={},
        near_ties=0,
        forced_routes=0,
    )


def test_a_manifest_without_bounds_is_held_to_those_of_any_engine_in_fp32():
    assert used_bounds(target()).bounds == Bounds()
    assert not used_bounds(target()).limited


def test_a_manifest_is_held_to_its_own_bounds():
    own = Bounds(router_error=1e-2, answer_error=2e-2, psnr_db=40, reason="fp16")
    used = used_bounds(target(own))
    assert (used.bounds, used.limited) == (own, False)


ABSURD = Bounds(
    router_error=1,
    answer_error=1,
    psnr_db=0,
    agreement=0,
    routing_agreement=0,
    own_error_factor=1e9,
    conditioned_error=1,
)


def test_absurd_bounds_end_at_the_limits_and_are_said_to():
    used = used_bounds(target(ABSURD, verified(1e30, 1e30)))
    assert used.limited
    assert used.bounds == msgspec.structs.replace(LIMITS, reason="")


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_is_limited(name):
    loose = msgspec.structs.replace(FP32, **{name: getattr(ABSURD, name)})
    used = used_bounds(target(loose))
    assert used.limited
    assert getattr(used.bounds, name) == getattr(LIMITS, name)


def test_what_the_export_found_of_the_model_counts_up_to_the_cap():
    grown = used_bounds(target(FP32, verified(8e-4, 1.6e-3))).bounds
    assert grown.router_error == pytest.approx(8e-4)
    assert grown.answer_error == pytest.approx(1.6e-3)
    assert grown.psnr_db == pytest.approx(-20 * math.log10(1.6e-3))
    most = used_bounds(target(FP32, verified(1.0, 1.0))).bounds
    assert most.router_error == most.answer_error == FP32.conditioned_error < 1e-2


def test_a_model_that_is_asked_now_counts_as_well():
    grown = used_bounds(target(FP32, verified(1e-4, 1e-4)), router=1e-4, answer=2e-4).bounds
    assert grown.router_error == pytest.approx(8e-4)
    assert grown.answer_error == pytest.approx(1.6e-3)


def test_looser_and_stricter_are_field_by_field():
    one = Bounds(router_error=1e-3, psnr_db=50, reason="one")
    other = Bounds(answer_error=1e-3, agreement=0.9, reason="other")
    loose, strict = looser(one, other), stricter(one, other)
    assert (loose.router_error, loose.answer_error, loose.psnr_db) == (1e-3, 1e-3, 50)
    assert (loose.agreement, loose.reason) == (0.9, "one; other")
    assert (strict.router_error, strict.answer_error, strict.psnr_db) == (1e-4, 1e-4, 90)
    assert (strict.agreement, strict.reason) == (1, "one")
