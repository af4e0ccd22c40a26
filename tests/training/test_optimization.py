"""Schedule values, who decays, and the moving average."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mvmoe_deploy.models import find_family
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE, MobileVMoEConfig
from mvmoe_deploy.training.optimization import adamw, lr_at, moving_average


def test_schedule_rises_in_a_line_then_falls_in_a_cosine() -> None:
    values = [lr_at(step, 12, 2.0, 1 / 3) for step in range(12)]
    assert values[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert values[4] == pytest.approx(2.0)
    assert values[8] == pytest.approx(1.0)
    assert values[10] == pytest.approx(2.0 * (1 - 0.5**0.5) / 2)


@given(st.integers(1, 500), st.floats(0, 1), st.floats(1e-6, 10))
def test_schedule_stays_between_nought_and_its_peak(steps: int, warmup: float, peak: float):
    values = [lr_at(step, steps, peak, warmup) for step in range(steps)]
    assert all(0 <= value <= peak for value in values)
    top = values.index(max(values))
    assert values[: top + 1] == sorted(values[: top + 1])
    assert values[top:] == sorted(values[top:], reverse=True)


def test_norms_biases_positions_and_cls_do_not_decay(tiny_config: MobileVMoEConfig) -> None:
    model = MobileVMoE(tiny_config)
    optimizer = adamw(model, 1e-3, 0.05, find_family("mobile_vmoe").without_decay)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, kept = ({names[id(p)] for p in group["params"]} for group in optimizer.param_groups)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05, 0.0]
    assert decayed | kept == set(names.values())
    assert not decayed & kept
    assert {"pos_embed", "cls_token", "norm.weight", "head.bias"} <= kept
    assert {"head.weight", "patch_embed.proj.weight", "routers.0.weight"} <= decayed
    assert not any(name.endswith("bias") or "norm" in name for name in decayed)


def test_the_average_moves_by_one_minus_decay() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = moving_average(model, 0.75)
    for value in (1.0, 3.0, 5.0):
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    # 1; then 0.75 * 1 + 0.25 * 3 = 1.5; then 0.75 * 1.5 + 0.25 * 5 = 2.375
    assert average.module.weight.item() == pytest.approx(2.375)
    assert model.weight.item() == 5.0


def test_no_decay_means_no_average() -> None:
    assert moving_average(nn.Linear(1, 1), 0.0) is None
