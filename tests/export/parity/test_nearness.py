"""One figure and one bound, in the same unit, and digits that tell them apart."""

import math

import pytest
import torch

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.verification.metrics import in_enough_digits
from mvmoe_deploy.verification.used_bounds import allowed, conditioned, is_lost_in_rounding
from mvmoe_export.compression import find_recipe
from mvmoe_export.parity.nearness import HALF_STEP, compare


@pytest.mark.parametrize(
    ("value", "bound", "words"),
    [
        (0.000129, 0.0001, ("0.000129", "0.0001")),
        (0.000100004, 0.0001, ("0.0001", "0.0001")),
        (1e-4, 1e-4, ("0.0001", "0.0001")),
        (math.inf, 0.02, ("inf", "0.02")),
    ],
)
def test_two_numbers_are_told_apart(value, bound, words):
    found = in_enough_digits(value, bound)
    assert (float(found[0]) > float(found[1])) == (value > bound)
    if words[0] != words[1] or value == bound:
        assert found == words


def test_the_furthest_output_by_its_bound_counts():
    wanted = {"a": torch.tensor([10.0]), "b": torch.tensor([1.0])}
    near = compare({"a": torch.tensor([11.0]), "b": torch.tensor([1.05])}, wanted, 1e-2)
    assert (near.output, near.ok) == ("a", False)
    assert near.error == pytest.approx(0.1)
    assert near.absolute == pytest.approx(1.0)
    assert near.words == "0.1 of the largest value of a (bound 0.01)"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_is_infinitely_far(bad):
    fine, broken = torch.ones(2), torch.tensor([1.0, bad])
    for given, wanted in ((broken, fine), (fine, broken)):
        near = compare({"x": fine, "y": given}, {"x": fine, "y": wanted}, 1.0)
        assert (near.output, near.error, near.ok) == ("y", math.inf, False)


def test_the_nearer_of_single_and_double_precision_counts():
    given, wanted = {"y": torch.tensor([1.2])}, {"y": torch.tensor([1.0])}
    assert compare(given, wanted, 0.1, {"y": torch.tensor([1.21], dtype=torch.float64)}).ok
    assert not compare(given, wanted, 0.1, {"y": torch.tensor([1.5], dtype=torch.float64)}).ok


def test_half_precision_outputs_may_differ_by_one_step():
    one = torch.tensor([1.0], dtype=torch.float16)
    assert compare({"y": one + HALF_STEP}, {"y": one}, 1e-4).ok
    assert not compare({"y": one + 2 * HALF_STEP}, {"y": one}, 1e-4).ok


def test_bounds_grow_with_the_models_own_error_up_to_a_cap():
    fp32, fp16 = find_recipe("fp32").bounds, find_recipe("fp16").bounds
    stepped = Bounds(answer_error=1e-1, own_error_factor=0.0, conditioned_error=0.0)
    assert allowed(1e-4, 0.0, fp32) == allowed(1e-4, 1e-6, fp32) == 1e-4
    assert allowed(1e-4, 1e-4, fp32) == pytest.approx(8e-4)
    # A wrong expert is off by 1e-2 and more: no conditioning excuses that.
    assert allowed(1e-4, 1.0, fp32) == allowed(1e-4, math.inf, fp32) < 1e-2
    assert allowed(1e-2, 3e-7, fp16) == 1e-2
    assert allowed(1e-2, 2e-6, fp16) == pytest.approx(2 * 2e-6 * 2**13)
    assert allowed(1e-2, 1.0, fp16) < 1e-1
    assert allowed(1e-1, 1.0, stepped) == 1e-1
    assert is_lost_in_rounding(1e-2)
    assert is_lost_in_rounding(math.nan)
    assert not is_lost_in_rounding(2e-4)


def test_conditioned_bounds_loosen_together():
    exact = find_recipe("fp32").bounds
    assert conditioned(exact, 0.0, 1e-7) == exact
    wide = conditioned(exact, 1e-4, 2e-4)
    assert wide.router_error == pytest.approx(8e-4)
    assert wide.answer_error == pytest.approx(1.6e-3)
    # An error that is at its bound everywhere still passes.
    assert wide.psnr_db == pytest.approx(-20 * math.log10(1.6e-3))
