"""Counts of parameters and multiply-accumulates against the figures derived from the paper."""

import pytest
import torch

from mvmoe_deploy.models import build, count
from mvmoe_deploy.models.counting import distinct_parameter_bytes
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig


def counted(config):
    """Counts of a model whose weights nobody needs: it has none."""
    with torch.device("meta"):
        return count(build(config, seed=0))


def millions(number, digits):
    return round(number / 1e6, digits)


def test_vit_12x192_at_patch_16_has_5_717_million_parameters():
    counts = counted(ViTConfig())
    assert counts.params_total == counts.params_active == 5_717_416


def test_two_of_ten_experts_behind_one_router_make_6_311_million_active():
    assert millions(counted(MobileVMoEConfig(top_k=2)).params_active, 3) == 6.311


def test_ten_experts_with_a_router_in_each_layer_make_11_047_million():
    assert millions(counted(MobileVMoEConfig(routers="per-layer")).params_total, 3) == 11.047


# Depth, width, heads; in millions: dense parameters, all parameters, MACs at k = 1.
GRID = [
    (12, 192, 3, "6.13", "11.46", "306"),
    (9, 192, 3, "4.80", "10.13", "237"),
    (6, 192, 3, "3.46", "8.79", "168"),
    (12, 96, 3, "1.74", "3.08", "86.7"),
    (9, 96, 3, "1.40", "2.74", "68.6"),
    (6, 96, 3, "1.07", "2.41", "50.6"),
    (12, 64, 2, "0.87", "1.46", "43.0"),
    (12, 384, 6, "22.88", "44.15", "1143"),
]


@pytest.mark.parametrize("row", GRID, ids=lambda row: f"{row[0]}x{row[1]}")
def test_the_papers_grid_at_patch_32(row):
    depth, width, heads, dense, total, macs = row
    config = MobileVMoEConfig(
        depth=depth, width=width, heads=heads, patch_size=32, routers="per-layer"
    )
    counts = counted(config)
    places = len(macs.partition(".")[2])
    # 0.8649 and 10.1265 were rounded up by their source: one unit in the last digit is allowed.
    assert abs(counted(config.dense()).params_total / 1e6 - float(dense)) < 0.0055
    assert abs(counts.params_total / 1e6 - float(total)) < 0.0055
    assert f"{counts.macs / 1e6:.{places}f}" == macs


def test_what_is_active_is_what_one_route_uses(tiny_moe):
    model = build(tiny_moe(top_k=2), seed=0)
    used = {id(p): p.numel() for p in model.stage(0, ()).parameters()}
    used |= {id(p): p.numel() for p in model.stage(1, (1, 3)).parameters()}
    assert count(model).params_active == sum(used.values())
    assert count(model).params_total == sum(p.numel() for p in model.parameters())


def test_macs_of_a_model_small_enough_to_count_by_hand(tiny_moe):
    config = tiny_moe(top_k=2)
    tokens, width, hidden = 17, 12, 48
    attention = tokens * width * 3 * width + 2 * tokens * tokens * width + tokens * width * width
    mlp = 2 * tokens * width * hidden
    patches = 16 * 16 * width
    layers = 3 * attention + mlp + 2 * (2 * mlp)  # one dense layer, two with two experts
    assert counted(config).macs == patches + layers + width * 4 + width * 5


def test_counting_leaves_the_model_alone(tiny_moe):
    model = build(tiny_moe(), seed=0).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    count(model)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_bytes_count_each_tensor_once(tiny_moe):
    model = build(tiny_moe(), seed=0)
    assert distinct_parameter_bytes(model) == 4 * count(model).params_total
    model.norm.weight = model.blocks[0].norm1.weight
    fewer = 4 * count(model).params_total
    assert distinct_parameter_bytes(model) == fewer


def test_counting_leaves_alone_what_other_threads_see():
    """An export that runs meanwhile fails when the form of attention changes under it."""
    model, seen = build(MobileVMoEConfig(depth=3, width=64, heads=1), seed=0), []
    backends = torch.backends.cuda
    for module in model.modules():
        module.register_forward_hook(
            lambda *_: seen.append((backends.flash_sdp_enabled(), backends.math_sdp_enabled()))
        )
    count(model)
    assert set(seen) == {(True, True)}


def test_counting_hooks_no_module_of_the_process():
    from torch.nn.modules import module as modules

    model = build(MobileVMoEConfig(image_size=32, patch_size=16, width=12, depth=2), seed=0)
    hooks = []
    stem = model.stage

    def watched(index, route):
        found = stem(index, route)
        found.register_forward_pre_hook(lambda *_: hooks.append(len(modules._global_forward_hooks)))
        return found

    model.stage = watched
    count(model)
    assert hooks and set(hooks) == {0}
