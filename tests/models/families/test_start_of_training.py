"""Where models start: repeatable, each patch with its own position, routed from dense."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.models.families import find_family, seeded
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE, MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViT
from mvmoe_deploy.models.families.vit.initial_weights import sine_cosine_positions
from mvmoe_deploy.models.input_choices import default_preprocessing


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


@pytest.fixture
def config(tiny_moe: Callable[..., MobileVMoEConfig]) -> MobileVMoEConfig:
    return tiny_moe(depth=2, moe_layers=1, experts=3)


def dense_start(config: MobileVMoEConfig, seed: int) -> ViT:
    dense = find_family("mobile_vmoe").dense(config)
    with seeded(seed):
        return find_family(dense.family).start(dense, default_preprocessing(dense))


def routed_start(dense: ViT, config: MobileVMoEConfig, seed: int) -> MobileVMoE:
    with seeded(seed):
        return find_family("mobile_vmoe").from_dense(dense, config)


def test_starts_follow_the_seed_and_leave_the_global_one_alone(config: MobileVMoEConfig) -> None:
    before = torch.random.get_rng_state()
    one, same, other = (dense_start(config, seed) for seed in (1, 1, 2))
    routed = [routed_start(one, config, seed) for seed in (1, 1, 2)]
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.blocks[0].mlp.fc1.weight, other.blocks[0].mlp.fc1.weight)
    assert torch.equal(routed[0].routers[0].weight, routed[1].routers[0].weight)
    assert not torch.equal(routed[0].routers[0].weight, routed[2].routers[0].weight)


def test_a_routed_model_starts_from_the_dense_one(config: MobileVMoEConfig) -> None:
    dense = dense_start(config, 0)
    routed = routed_start(dense, config, 0)
    assert routed.config == config
    assert routed.input == dense.input
    for expert in routed.blocks[1].mlp.experts:
        assert torch.equal(expert.fc1.weight, dense.blocks[1].mlp.fc1.weight)
