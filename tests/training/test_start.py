"""Where models start: repeatable, each patch with its own position, routed from dense."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.training import digits_preprocessing
from mvmoe_deploy.training.start import dense_start, routed_start, sine_cosine_positions


def test_positions_are_sines_and_cosines_of_row_and_column() -> None:
    positions = sine_cosine_positions(3, 9)
    assert positions.shape == (9, 9)
    # Patch 5 is row 1, column 2; the waves of four quarters of two are 1 and 1/10,000.
    angles = [1.0, 1e-4, 2.0, 2e-4]
    wanted = [function(angle) for function in (math.sin, math.cos) for angle in angles]
    assert positions[5, :8].tolist() == pytest.approx(wanted, abs=1e-6)
    assert positions[5, 8] == 0


@given(st.integers(1, 14), st.sampled_from([8, 16, 64, 192]))
def test_no_two_patches_have_one_position(grid: int, width: int) -> None:
    positions = sine_cosine_positions(grid, width)
    distances = torch.cdist(positions, positions) + torch.eye(grid * grid)
    assert distances.min() > 1e-3


def test_starts_follow_the_seed_and_leave_the_global_one_alone(
    tiny_config: MobileVMoEConfig,
) -> None:
    spec = digits_preprocessing(tiny_config)
    before = torch.random.get_rng_state()
    one, same, other = (dense_start(tiny_config, spec, seed) for seed in (1, 1, 2))
    routed = [routed_start(one, tiny_config, seed) for seed in (1, 1, 2)]
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.blocks[0].mlp.fc1.weight, other.blocks[0].mlp.fc1.weight)
    assert torch.equal(routed[0].routers[0].weight, routed[1].routers[0].weight)
    assert not torch.equal(routed[0].routers[0].weight, routed[2].routers[0].weight)


def test_a_routed_model_starts_from_the_dense_one(tiny_config: MobileVMoEConfig) -> None:
    dense = dense_start(tiny_config, digits_preprocessing(tiny_config), 0)
    routed = routed_start(dense, tiny_config, 0)
    assert routed.config == tiny_config
    assert routed.input == dense.input
    for expert in routed.blocks[1].mlp.experts:
        assert torch.equal(expert.fc1.weight, dense.blocks[1].mlp.fc1.weight)
