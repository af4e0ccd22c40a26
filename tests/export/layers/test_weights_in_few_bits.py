"""What weights become: whole numbers within half a step, zeros, and types of scales."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.layers.four_bits import GROUP, int4_by_group
from mvmoe_export.layers.ranges import unsigned_steps

shapes = st.tuples(st.integers(1, 6), st.integers(1, 80))


@given(shapes, st.integers(0, 1000), st.floats(-6, 6))
def test_int8_is_within_half_a_step_of_each_output(shape, seed, power):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 10**power
    whole, scale = int8_by_output(weight)
    assert whole.dtype == torch.int8
    assert int(whole.abs().max()) == 127
    error = (whole.double() * scale.double()[:, None] - weight.double()).abs()
    # A ten-thousandth: the scale is rounded to fp32.
    assert (error <= 0.5001 * scale.double()[:, None]).all()


@given(shapes, st.integers(0, 1000))
def test_int4_is_within_half_a_step_of_each_group(shape, seed):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    whole, scale = int4_by_group(weight)
    assert whole.shape == weight.shape
    assert scale.shape == (shape[0], -(-shape[1] // GROUP))
    assert int(whole.abs().max()) == 7
    steps = scale.repeat_interleave(GROUP, dim=1)[:, : shape[1]]
    assert ((whole * steps - weight).abs() <= 0.5001 * steps).all()


@pytest.mark.parametrize("make", [int8_by_output, int4_by_group])
@pytest.mark.parametrize("scales", [torch.float32, torch.float16, torch.bfloat16])
def test_an_output_of_zeros_stays_zero_and_scales_have_their_type(make, scales):
    weight = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    weight[1] = 0
    whole, scale = make(weight, scales)
    assert scale.dtype == scales
    assert not whole[1].any()
    assert bool((scale > 0).all())
    # The scale is rounded first, so that its rounding is no error of the weight's.
    steps = scale.float().reshape(3, -1).repeat_interleave(64 // scale.reshape(3, -1).shape[1], 1)
    assert float((whole * steps - weight).abs().max()) <= 0.51 * float(steps.max())


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_steps_hold_their_range_and_zero(one, other):
    low, high = min(one, other, 0.0), max(one, other, 0.0)
    step, zero = unsigned_steps((one, other) if one < other else (other, one))
    ends = (torch.tensor([0, 255]) - zero.float()) * step
    slack = 0.51 * float(step) + 1e-6
    assert float(ends[0]) <= low + slack
    assert float(ends[1]) >= high - slack
    assert zero.dtype == torch.uint8
