"""V-MoE and Soft MoE: as loops written from their papers, alone and in any batch."""

import dataclasses
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from looped_vit import answers, soft_layer, vmoe_layer

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import RoutedModel, build, count, preset
from mvmoe_deploy.models.families import find_family
from mvmoe_deploy.models.families.soft_moe import SoftMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.families.vmoe import TokenExperts, VMoEConfig
from mvmoe_deploy.models.presets import config_from_dict

SINGLE, DOUBLE = 1e-5, 1e-12
"""Relative to the largest answer: the same products, added up in another order. A token that takes
another expert moves an answer by 1e-2 and more."""

SMALL = {
    "image_size": 8, "patch_size": 2, "in_channels": 1, "num_classes": 5, "width": 12, "depth": 2,
    "heads": 3,
}  # fmt: skip
UNUSUAL = {
    "image_size": 96, "patch_size": 16, "num_classes": 7, "width": 24, "depth": 2, "heads": 3,
    "experts": 7, "moe_layers": (1,),
}  # fmt: skip

FORMS = [
    VMoEConfig(**SMALL),
    VMoEConfig(**SMALL, experts=4, top_k=2, priority="confidence", pool="mean"),
    VMoEConfig(**SMALL, experts=3, top_k=3, capacity_ratio=0.01, moe_layers=(0,)),
    VMoEConfig(**UNUSUAL, top_k=3),
    VMoEConfig(**UNUSUAL, top_k=3, priority="confidence", capacity_ratio=0.5),
    SoftMoEConfig(**SMALL),
    SoftMoEConfig(**SMALL, experts=3, slots=1, moe_layers=2, pool="mean"),
    SoftMoEConfig(**UNUSUAL, slots=3),
]


def name_of(config):
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    own = {k: v for k, v in vars(config).items() if k not in SMALL and v != fields[k]}
    return "-".join([config.family, str(config.image_size), *(f"{k}={own[k]}" for k in own)])


def by_loops(model, images):
    """What the loops make of a model's weights."""
    config = model.config
    if isinstance(config, SoftMoEConfig):
        return answers(model, images, soft_layer)
    layer = partial(
        vmoe_layer,
        top_k=config.top_k,
        capacity=config.expert_tokens,
        by_confidence=config.priority == "confidence",
    )
    return answers(model, images, layer)


def close(found, wanted, tolerance):
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.fixture
def make(spread_out):
    """A model with lively weights."""
    return lambda config: spread_out(build(config, seed=0))


# The papers


@pytest.mark.parametrize("config", FORMS, ids=name_of)
def test_it_computes_what_the_paper_says(make, images, config):
    model, batch = make(config), images(config, batch=2)
    wanted = by_loops(model, batch)
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-2
    with torch.no_grad():
        close(model(batch).numpy(), wanted, SINGLE)
        close(model.double()(batch.double()).numpy(), wanted, DOUBLE)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_configuration_computes_what_the_paper_says(spread_out, images, data):
    experts = data.draw(st.integers(1, 6))
    patch = data.draw(st.sampled_from([4, 8]))
    sizes = {
        **SMALL,
        "patch_size": patch,
        "experts": experts,
        "pool": data.draw(st.sampled_from(["cls", "mean"])),
    }
    sizes["moe_layers"] = data.draw(st.sampled_from([1, 2, (0,), (1, 0)]))
    if data.draw(st.booleans()):
        slots = data.draw(st.sampled_from([None, 1, 3]))
        config = SoftMoEConfig(**sizes, slots=slots)
    else:
        config = VMoEConfig(
            **sizes,
            top_k=data.draw(st.integers(1, experts)),
            capacity_ratio=data.draw(st.sampled_from([0.1, 0.5, 1.0, 1.05, 3.0])),
            priority=data.draw(st.sampled_from(["position", "confidence"])),
        )
    seed = data.draw(st.integers(0, 99))
    model, batch = (
        spread_out(build(config, seed=0), seed).double(),
        images(config, 2, seed).double(),
    )
    with torch.no_grad():
        close(model(batch).numpy(), by_loops(model, batch), DOUBLE)


@pytest.mark.parametrize("config", FORMS, ids=name_of)
def test_nothing_depends_on_the_other_images(make, images, config):
    """Beside other images bit by bit; alone up to rounding, since PyTorch's products are others."""
    model, batch = make(config), images(config, batch=4)
    with torch.no_grad():
        together = model(batch)
        others = torch.cat([batch[:1], 5 * batch.flip(0)[:3]])
        assert torch.equal(model(others)[0], together[0])
        assert not torch.allclose(model(others)[1], together[1], atol=1e-2)
        for image in range(4):
            close(model(batch[image : image + 1])[0].numpy(), together[image], SINGLE)


# The contract


@pytest.mark.parametrize("config", FORMS, ids=name_of)
def test_it_is_one_stage_that_routes_no_images(make, images, config):
    model, batch = make(config), images(config, batch=1)
    assert isinstance(model, RoutedModel) and model.routing == ()
    assert model.stage(0, ()) is model
    assert config_from_dict(config.family, asdict(config), "the file") == config
    with pytest.raises(InputError, match=f"a {config.family} has the stem alone"):
        model.stage(1, (0,))
    for mode in (True, False):
        with pytest.raises(InputError, match="has no routed stage to force"):
            model.train(mode).forward_routed(batch, [(0,)])


@pytest.mark.parametrize("family", [VMoEConfig, SoftMoEConfig])
def test_layers_are_counted_from_the_end_or_named(family):
    def places(**fields):
        return family(depth=6, **fields).moe_places

    assert places(moe_layers=2) == (4, 5)
    assert places(moe_layers=(5, 1, 3)) == (1, 3, 5)
    assert places() == ((3, 4, 5) if family is SoftMoEConfig else (4, 5))
    blocks = build(family(**{**SMALL, "depth": 3}, moe_layers=(1,)), seed=0).blocks
    assert [hasattr(block.mlp, "experts") for block in blocks] == [False, True, False]


@pytest.mark.parametrize(
    ("family", "fields", "name"),
    [
        (VMoEConfig, {"top_k": 9}, "top_k"),
        (VMoEConfig, {"top_k": 0}, "top_k"),
        (VMoEConfig, {"experts": 0}, "experts"),
        (VMoEConfig, {"moe_layers": 13}, "moe_layers"),
        (VMoEConfig, {"moe_layers": ()}, "moe_layers"),
        (VMoEConfig, {"moe_layers": (3, 3)}, "moe_layers"),
        (VMoEConfig, {"moe_layers": (-1,)}, "moe_layers"),
        (VMoEConfig, {"moe_layers": None}, "moe_layers"),
        (VMoEConfig, {"moe_layers": "last"}, "moe_layers"),
        (VMoEConfig, {"capacity_ratio": 0.0}, "capacity_ratio"),
        (VMoEConfig, {"capacity_ratio": float("nan")}, "capacity_ratio"),
        (VMoEConfig, {"priority": "batch"}, "priority"),
        (VMoEConfig, {"router_noise": -1.0}, "router_noise"),
        (VMoEConfig, {"auxiliary_weight": float("inf")}, "auxiliary_weight"),
        (SoftMoEConfig, {"slots": 0}, "slots"),
        (SoftMoEConfig, {"slots": 8193}, "slots"),
        (SoftMoEConfig, {"experts": 4097}, "experts"),
        (SoftMoEConfig, {"moe_layers": (12,)}, "moe_layers"),
    ],
)
def test_what_makes_no_network_is_refused_by_name(family, fields, name):
    with pytest.raises(InputError) as caught:
        family(**fields)
    assert (caught.value.code, caught.value.fields["name"]) == ("model.config-invalid", name)


# Places


def layer_of(**fields):
    """A layer whose tokens all want the first experts, if its router is left as it is."""
    layer = TokenExperts(VMoEConfig(**SMALL, **fields)).eval().double()
    with torch.no_grad():
        layer.router.weight.zero_()
    return layer


TOKENS = torch.randn(1, 17, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("ratio", "places"), [(0.01, 1), (1.0, 5), (2.0, 9), (9.0, 17)])
def test_tokens_without_a_place_are_dropped(ratio, places):
    """Of equal scores the first expert wins, and of equal turns the first tokens."""
    layer = layer_of(experts=4, capacity_ratio=ratio)
    with torch.no_grad():
        added = layer(TOKENS)
        close(added[:, :places], 0.25 * layer.experts[0](TOKENS[:, :places]), DOUBLE)
    assert not added[:, places:].any()
    assert layer.experts[0](TOKENS).abs().min() > 0


def test_first_choices_come_before_second_ones_and_confident_tokens_before_others():
    """Scores by hand: token 1 is the surest, token 0 wants expert 0 too, token 2 as its second."""
    layer = layer_of(experts=2, top_k=2, capacity_ratio=1 / 17)
    wanted = torch.tensor([[3.0, 0.0], [9.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    tokens = torch.zeros(1, 17, 12, dtype=torch.float64)
    tokens[0, :3, :2] = wanted
    with torch.no_grad():
        layer.router.weight[:, :2] = torch.eye(2)
    taken = {}
    for by_confidence in (False, True):
        layer._by_confidence = by_confidence
        with torch.no_grad():
            taken[by_confidence] = layer(tokens).abs().sum(-1).nonzero()[:, 1].tolist()
    # Expert 1 goes to token 2: no other token has it as its first choice.
    assert taken == {False: [0, 2], True: [1, 2]}


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 14),
    st.integers(1, 64),
    st.integers(1, 64),
    st.integers(1, 400).map(lambda x: x / 100),
)
def test_places_are_rounded_up_as_the_ratio_is_written(grid, experts, top_k, ratio):
    """In whole numbers: hundredths of the ratio."""
    top_k = min(top_k, experts)
    config = VMoEConfig(
        image_size=grid,
        patch_size=1,
        width=4,
        heads=1,
        experts=experts,
        top_k=top_k,
        capacity_ratio=ratio,
    )
    tokens = grid * grid + 1
    assert config.expert_tokens == min(
        tokens, -(-tokens * top_k * round(100 * ratio) // (100 * experts))
    )


def test_all_experts_with_places_for_all_tokens_are_the_dense_model(spread_out, images):
    """Copies of the dense MLP, with gates that add up to 1."""
    dense = spread_out(build(ViTConfig(**SMALL), seed=0))
    config = VMoEConfig(**SMALL, experts=3, top_k=3, capacity_ratio=1.0, moe_layers=(0, 1))
    model = find_family("vmoe").from_dense(dense, config).eval()
    batch = images(config)
    with torch.no_grad():
        close(model(batch).numpy(), dense(batch), SINGLE)


@pytest.mark.parametrize("family", ["vmoe", "soft_moe"])
def test_experts_start_as_copies_of_the_dense_mlp(family):
    part = find_family(family)
    config = part.config(**SMALL, experts=3, moe_layers=(1,))
    dense = build(part.dense(config), seed=1)
    model = part.from_dense(dense, config)
    state, own = dense.state_dict(), model.state_dict()
    for expert in range(3):
        assert torch.equal(
            own[f"blocks.1.mlp.experts.{expert}.fc2.weight"], state["blocks.1.mlp.fc2.weight"]
        )
    assert torch.equal(own["blocks.0.mlp.fc1.weight"], state["blocks.0.mlp.fc1.weight"])
    assert model.input == dense.input
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "width"):
        part.from_dense(dense, config.replace(width=24))
    with pytest.raises(InputError, check=lambda error: error.fields["name"] == "family"):
        part.from_dense(model, config)


# Training


def test_penalties_are_the_papers_and_of_the_training_alone(make, images):
    """Importance and load by hand, of one layer; the noise is drawn again from its seed."""
    config = VMoEConfig(**SMALL, experts=4, top_k=2, moe_layers=(1,), auxiliary_weight=0.5)
    model, batch = make(config).double(), images(config).double()
    seen = []
    model.blocks[1].mlp.router.register_forward_hook(lambda *args: seen.append(args[2]))
    torch.manual_seed(3)
    found = model.train().forward_routed(batch).penalties
    (logits,) = (each.detach() for each in seen)
    torch.manual_seed(3)
    noisy = logits + torch.randn_like(logits) / 4
    importance, load = np.zeros(4), np.zeros(4)
    for clean, drawn in zip(logits.flatten(0, 1).numpy(), noisy.flatten(0, 1).numpy(), strict=True):
        threshold = sorted(drawn)[-2]
        importance += np.exp(clean) / np.exp(clean).sum()
        load += [
            0.5 * (1 + torch.erf(torch.tensor(4 * (x - threshold) / 2**0.5)).item()) for x in clean
        ]
    for name, use in (("importance", importance), ("load", load)):
        assert found[name].item() == pytest.approx(0.25 * use.var() / use.mean() ** 2, rel=1e-9)
    assert not model.eval().forward_routed(batch).penalties
    with torch.no_grad():
        assert torch.equal(model(batch), model(batch))


def test_without_noise_training_computes_what_the_model_answers(make, images):
    config = VMoEConfig(**SMALL, experts=4, router_noise=0.0)
    model, batch = make(config), images(config)
    with torch.no_grad():
        trained = model.train().forward_routed(batch)
        assert torch.equal(trained.logits, model.eval()(batch))
    assert trained.penalties["load"] == 0 < trained.penalties["importance"]


@pytest.mark.parametrize("config", [VMoEConfig(**SMALL), SoftMoEConfig(**SMALL)], ids=name_of)
def test_everything_learns(make, images, config):
    model = make(config).train()
    losses = find_family(config.family).losses(
        model.forward_routed(images(config, 8)), torch.arange(8) % 5, 0.0
    )
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if "phi" in name or "scale" in name or "router" in name:
            assert parameter.grad.abs().max() > 0, name


# Sizes


def test_sizes_are_those_of_the_arithmetic():
    """12 layers of 192 features, patches of 32: by hand."""
    d, n, hidden, e = 192, 50, 768, 8
    dense = count(build(preset("vit_12x192_p32_224"), seed=0))
    mlp, products = d * hidden + hidden + hidden * d + d, 2 * d * hidden
    vmoe = count(build(preset("vmoe_12x192_p32_224"), seed=0))
    assert vmoe.params_total == vmoe.params_active == dense.params_total + 2 * (7 * mlp + d * e)
    assert vmoe.macs == dense.macs + 2 * ((8 * 7 - n) * products + n * d * e)
    soft, slots = count(build(preset("soft_moe_12x192_p32_224"), seed=0)), 8 * 6
    assert soft.params_total == dense.params_total + 6 * (7 * mlp + slots * d + 1)
    assert soft.macs == dense.macs + 6 * ((slots - n) * products + 3 * n * slots * d)


@pytest.mark.parametrize("family", ["vmoe", "soft_moe"])
def test_small_presets_cost_what_their_peer_costs(family):
    """Within 4 percent: an expert computes whole tokens."""
    for name in ("digits", "fashion_mnist"):
        peer, own = (count(build(preset(each), seed=0)).macs for each in (name, f"{family}_{name}"))
        assert abs(own - peer) < 0.04 * peer


S, B, L = ((512, 8, 8), (768, 12, 12), (1024, 24, 16))
"""Width, layers and heads."""
PUBLISHED = [
    # arXiv 2106.05974: JFT-300M's classes, and a layer of the model's width before them.
    ("vmoe", S, {"moe_layers": (5, 7), "experts": 32, "patch_size": 32}, 166.7),
    ("vmoe", S, {"moe_layers": (1, 3, 5, 7), "experts": 32, "patch_size": 32}, 296.9),
    ("vmoe", B, {"moe_layers": (1, 3, 5, 7, 9, 11), "experts": 32, "patch_size": 32}, 980.6),
    # arXiv 2308.00951: JFT-4B's classes.
    ("soft_moe", B, {"experts": 128}, 3700),
    ("soft_moe", L, {"experts": 128}, 13100),
]


@pytest.mark.parametrize(("family", "sizes", "fields", "millions"), PUBLISHED)
def test_published_models_have_their_published_sizes(family, sizes, fields, millions):
    """To the last digit that the papers print."""
    width, depth, heads = sizes
    classes, before = (18291, width * width + width) if family == "vmoe" else (29593, 0)
    config = find_family(family).config(
        **fields, width=width, depth=depth, heads=heads, num_classes=classes
    )
    with torch.device("meta"):
        total = (sum(each.numel() for each in build(config).parameters()) + before) / 1e6
    assert round(total, 1 if family == "vmoe" else -2) == millions
