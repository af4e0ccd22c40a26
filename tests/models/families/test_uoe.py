"""Union of Experts: a ViT cut into experts is the ViT, and what its paper says of the parts."""

import itertools
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import RoutedModel, build, count
from mvmoe_deploy.models.contract import ExpertModules
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.families.uoe import PART, UoE, UoEConfig
from mvmoe_deploy.models.families.uoe.cutting import set_mean_outputs
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.presets import configuration
from mvmoe_deploy.routing.contract import route_of

EXACT = 1e-5
"""The same products, summed in parts; relative to answers around 1."""

SMALL = {
    "image_size": 16,
    "patch_size": 4,
    "in_channels": 1,
    "num_classes": 5,
    "width": 16,
    "depth": 3,
    "heads": 4,
}

FORMS = [
    {},
    {"top_k": 1, "dense_layers": 1, "router_input": "cls"},
    {"top_k": 4},
    {"routers": "per-block"},
    {"routers": "per-block", "attention_experts": 2, "attention_top_k": 1, "experts": 8},
    {"mean_outputs": True, "gelu": "tanh", "pool": "mean"},
    {"selection": "per-token"},
    {"selection": "per-token", "capacity": 3, "dense_layers": 1, "mean_outputs": True},
    {"selection": "per-token", "capacity": 17, "attention_experts": 2},
]
ROUTED = [form for form in FORMS if "selection" not in form]


def name_of(form):
    return "-".join(f"{key}={value}" for key, value in form.items()) or "default"


def dense_of(**fields):
    sizes = {**SMALL, **{k: v for k, v in fields.items() if k in {*SMALL, "gelu", "pool"}}}
    return ViTConfig(**sizes)


@pytest.fixture
def make(spread_out):
    """A ViT with lively weights, and the model of a form that is cut from it."""

    def made(**form):
        dense = dense_of(**form)
        vit = spread_out(build(dense, seed=0)).eval()
        model = PART.from_dense(vit, UoEConfig(**{**asdict(dense), **form}))
        with torch.no_grad():
            for router in model.routers:
                router.weight.copy_(torch.randn(router.weight.shape, generator=_seeded()))
        return vit, model.eval()

    return made


def _seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def close(given, expected):
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(given, expected, atol=EXACT * scale, rtol=0)


# Exactness


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_with_every_expert_active_the_answer_is_the_dense_models(make, images, form):
    vit, model = make(**form)
    batch = images(model.config, batch=4)
    with torch.no_grad():
        close(model.forward_complete(batch), vit(batch))


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_the_experts_put_together_are_the_dense_model(make, form):
    vit, model = make(**form)
    merged = PART.to_dense(model)
    assert merged.config == vit.config
    for name, tensor in vit.state_dict().items():
        assert torch.equal(merged.state_dict()[name], tensor), name


def test_an_unusual_model_is_cut_exactly(spread_out):
    """7 experts of which 3 are used, 6 heads, patches of 16, 96 pixels."""
    dense = ViTConfig(image_size=96, patch_size=16, width=168, heads=6, depth=2, num_classes=7)
    vit = spread_out(build(dense, seed=0)).eval()
    config = UoEConfig(**asdict(dense), experts=7, top_k=3, routers="per-block")
    model = PART.from_dense(vit, config).eval()
    assert [(rule.experts, rule.k) for rule in model.routing] == [(6, 3), (7, 3)] * 2
    batch = torch.randn(2, 3, 96, 96, generator=_seeded())
    with torch.no_grad():
        close(model.forward_complete(batch), vit(batch))


def test_k_equal_to_n_is_the_dense_model_whatever_the_router_says(make, images):
    vit, model = make(top_k=4)
    batch = images(model.config)
    with torch.no_grad():
        close(model(batch), vit(batch))


def test_the_cut_is_that_of_a_product_of_matrices(make, images):
    """Written apart from the model: einsum over heads and slices, only those of the routes."""
    vit, model = make(routers="per-block")
    batch = images(model.config, batch=3)
    with torch.no_grad():
        output = model.forward_routed(batch)
        tokens = vit.embed(batch)
        for number, block in enumerate(vit.blocks):
            heads, slices = (output.members[2 * number + each].float() for each in (0, 1))
            tokens = tokens + _heads(block, block.norm1(tokens), heads)
            tokens = tokens + _slices(block, block.norm2(tokens), slices)
        close(output.logits, vit.answer(tokens))


def _heads(block, x, members):
    attn, width = block.attn, x.shape[-1]
    wq, wk, wv = attn.qkv.weight.reshape(3, 4, width // 4, width)
    bq, bk, bv = attn.qkv.bias.reshape(3, 4, 1, width // 4)
    q, k, v = (torch.einsum("bnd,hfd->bhnf", x, w) + b for w, b in ((wq, bq), (wk, bk), (wv, bv)))
    mixed = (q @ k.transpose(-1, -2) / (width // 4) ** 0.5).softmax(-1) @ v
    columns = attn.proj.weight.reshape(width, 4, width // 4)
    return torch.einsum("bhnf,dhf,bh->bnd", mixed, columns, members) + attn.proj.bias


def _slices(block, x, members):
    mlp, hidden = block.mlp, block.mlp.fc1.weight.shape[0]
    kept = members.repeat_interleave(hidden // members.shape[1], dim=1)[:, None]
    return (F.gelu(x @ mlp.fc1.weight.T + mlp.fc1.bias) * kept) @ mlp.fc2.weight.T + mlp.fc2.bias


def test_selected_tokens_by_hand(make, images):
    """Every expert takes the tokens with its highest scores, and attends among those alone."""
    vit, model = make(selection="per-token", capacity=6)
    batch = images(model.config, batch=2)
    with torch.no_grad():
        tokens = vit.embed(batch)
        for block in model.union_blocks:
            for norm, layer in ((block.norm1, block.attn), (block.norm2, block.mlp)):
                x = norm(tokens)
                scores = layer.router(x).softmax(-1).numpy()
                added = torch.zeros_like(x) + layer.bias
                for image, number in itertools.product(range(2), range(4)):
                    order = np.argsort(-scores[image, :, number], kind="stable")[:6]
                    rows = layer.experts[number](x[image, order.copy()][None])[0]
                    added[image, order.copy()] += rows
                tokens = tokens + added
        close(model(batch), vit.answer(tokens))


# Routing


@pytest.mark.parametrize("form", ROUTED, ids=name_of)
def test_stages_compose_to_forward(make, images, form):
    _, model = make(**form)
    assert isinstance(model, RoutedModel)
    batch = images(model.config, batch=6)
    with torch.no_grad():
        output = model.forward_routed(batch)
        for image in range(len(batch)):
            tokens, logits = model.stage(0, ())(batch[image : image + 1])
            for number, rule in enumerate(model.routing):
                close(logits[0], output.router_logits[number][image])
                route = route_of(output.members[number][image].numpy())
                gates = select(logits, rule, route)[1][:, list(route)]
                assert torch.equal(gates, torch.ones(1, len(route)))
                given = model.stage(number + 1, route)(tokens, gates)
                tokens, logits = given if isinstance(given, tuple) else (given, logits)
            close(tokens[0], output.logits[image])


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_nothing_depends_on_the_other_images(make, images, form):
    _, model = make(**form)
    batch = images(model.config, batch=8)
    with torch.no_grad():
        together = model(batch)
        assert together.std(dim=0).max() > 1e-2
        for image in range(len(batch)):
            close(model(batch[image : image + 1])[0], together[image])
        close(model(batch.flip(0)).flip(0), together)


def test_each_image_has_its_own_route(make, images):
    _, model = make(routers="per-block")
    with torch.no_grad():
        output = model.forward_routed(images(model.config, batch=16))
    assert all(len(stage.unique(dim=0)) > 1 for stage in output.members)


@pytest.mark.parametrize("route", [(0,), (1, 3)])
def test_an_expert_and_what_joins_them_are_the_stage(make, images, route):
    _, model = make(routers="per-block")
    assert isinstance(model, ExpertModules)
    tokens = torch.randn(2, 17, 16, generator=_seeded())
    gates = torch.ones(2, len(route))
    with torch.no_grad():
        for stage in (1, 2, len(model.routing)):
            outputs = [model.expert(stage, expert)(tokens) for expert in route]
            joined = model.join(stage, len(route))(tokens, *outputs, gates)
            staged = model.stage(stage, route)(tokens, gates)
            for given, wanted in zip(_tuple(joined), _tuple(staged), strict=True):
                close(given, wanted)


def _tuple(given):
    return given if isinstance(given, tuple) else (given,)


def test_experts_behind_one_router_do_not_separate(make):
    _, model = make()
    with raises(InputError, "export.graph-refused", name="layers", found=6):
        model.expert(1, 0)


# Training


def test_a_router_learns_by_the_scores_of_the_experts_that_it_selected(make, images):
    """The gradient of `sum_e (1 + p_e - stop_gradient(p_e)) f_e` by p_e is that of p_e f_e."""
    _, model = make(routers="per-block", depth=1)
    batch = images(model.config, batch=4)
    output = model.train().forward_routed(batch)
    output.logits.square().sum().backward()
    for router in model.routers:
        assert router.weight.grad.abs().max() > 0
    with torch.no_grad():
        assert torch.equal(output.gates[0], output.members[0].float())


def test_routers_of_tokens_learn_and_leave_the_answer_alone(make, images):
    _, model = make(selection="per-token", capacity=5)
    batch = images(model.config, batch=4)
    answer = model.train()(batch)
    answer.square().sum().backward()
    for block in model.union_blocks:
        for layer in (block.attn, block.mlp):
            assert layer.router.weight.grad.abs().max() > 0
    with torch.no_grad():
        close(answer, model.eval()(batch))


def test_mean_outputs_stand_for_the_experts_that_are_left_out(make, images):
    vit, model = make(mean_outputs=True)
    batch = images(model.config)
    generator = _seeded()
    means = {
        f"blocks.{number}.{kind}": torch.randn(4, 16, generator=generator)
        for number, kind in itertools.product(range(3), ("attn", "mlp"))
    }
    with torch.no_grad():
        before = model(batch)
        set_mean_outputs(model, means)
        close(model.forward_complete(batch), vit(batch))
        assert (model(batch) - before).abs().max() > 1e-2
        tokens = torch.randn(1, 17, 16, generator=generator)
        layer, dense = model.layers_of(1)[1], vit.blocks[0]
        given = layer.selected((0, 2))(tokens, torch.ones(1, 2)) - tokens
        kept = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
        left_out = means["blocks.0.mlp"][[1, 3]].sum(dim=0)
        close(given, _slices(dense, dense.norm2(tokens), kept) + left_out)
        for name, tensor in PART.to_dense(model).state_dict().items():
            close(tensor, vit.state_dict()[name])


# Sizes


@pytest.mark.parametrize("selection", ["per-image", "per-token"])
def test_parameters_and_products_are_those_of_the_arithmetic(selection):
    """12 blocks of 192 features, patches of 32: by hand."""
    form = "uoe" if selection == "per-image" else "uoe_tokens"
    counts = count(build(configuration(f"{form}_12x192_p32_224"), seed=0))
    d, n, hidden, classes = 192, 50, 768, 1000
    embedding = 3 * 32 * 32 * d + d + d + n * d
    block = 2 * 2 * d + (3 * d * d + 3 * d) + d * d + d + (d * hidden + hidden) + hidden * d + d
    head = 2 * d + d * classes + classes
    routers = d * 4 + 4 if selection == "per-image" else 12 * 2 * (d * 4 + 4)
    assert counts.params_total == embedding + 12 * block + head + routers
    outside = 49 * 3 * 32 * 32 * d + d * classes
    if selection == "per-image":
        unused = 12 * (3 * d * d + 3 * d + d * d + d * hidden + hidden + hidden * d) // 2
        assert counts.params_active == counts.params_total - unused
        products = n * (4 * d * d + 2 * d * hidden) // 2 + n * n * d
        assert counts.macs == outside + d * 4 + 12 * products
    else:
        c = 25
        assert counts.params_active == counts.params_total
        products = c * (4 * d * d + 2 * d * hidden) + 2 * c * c * d + 2 * n * d * 4
        assert counts.macs == outside + 12 * products


def test_presets_stand_beside_those_of_mobile_vmoe():
    presets = PART.presets()
    assert {
        "uoe_digits",
        "uoe_fashion_mnist",
        "uoe_blocks_12x192_p32_224",
        "uoe_tokens_6x64_p16_224",
    } <= set(presets)
    assert len(presets) == 3 * (2 + 3 * 4 * 2)
    blocks = presets["uoe_blocks_12x192_p32_224"]
    assert [(rule.experts, rule.k) for rule in blocks.routing] == [(4, 2)] * 24
    assert presets["uoe_tokens_12x192_p32_224"].expert_tokens == 25
    assert all(config.heads % 4 == 0 for config in presets.values())


# What is refused


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"experts": 5}, {"name": "experts", "found": "5"}),
        ({"experts": 8, "top_k": 2}, {"name": "attention_experts", "found": "8"}),
        (
            {"routers": "per-block", "attention_experts": 3},
            {"name": "attention_experts", "expected": "a divisor of heads 4"},
        ),
        (
            {"attention_experts": 2, "attention_top_k": 1},
            {"name": "attention_experts", "found": "2 of which 1 are used"},
        ),
        (
            {"routers": "per-block", "attention_top_k": 5},
            {"name": "attention_top_k", "found": "5"},
        ),
        ({"top_k": 5}, {"name": "top_k", "found": "5"}),
        (
            {"selection": "per-token", "capacity": 18},
            {"name": "capacity", "found": "18", "expected": "1 to 17, the number of tokens"},
        ),
        ({"selection": "per-token", "capacity": 0}, {"name": "capacity", "found": "0"}),
        ({"router_input": "cls"}, {"name": "router_input"}),
        ({"dense_layers": 3}, {"name": "dense_layers", "found": "3"}),
        ({"selection": "some"}, {"name": "selection"}),
    ],
)
def test_parts_that_are_not_equal_are_refused(fields, refused):
    with raises(InputError, "model.config-invalid", **refused):
        UoEConfig(**SMALL, **fields)


def test_only_a_vit_is_cut(make, tiny_moe):
    vit, model = make()
    with raises(InputError, "model.config-invalid", name="family", expected="vit", found="uoe"):
        PART.from_dense(model, model.config)
    moe = MobileVMoE.from_dense(vit, experts=3, moe_layers=1)
    with raises(
        InputError, "model.config-invalid", name="family", expected="vit", found="mobile_vmoe"
    ):
        PART.from_dense(moe, model.config)
    with raises(InputError, "model.config-invalid", name="width", expected=16, found=32):
        PART.from_dense(vit, model.config.replace(width=32))
    from mvmoe_deploy.models.families.mobile_vmoe import PART as MOBILE

    with raises(InputError, "model.config-invalid", name="family", expected="vit", found="uoe"):
        MOBILE.from_dense(model, tiny_moe())


def test_routes_that_do_not_exist_are_refused(make, images):
    _, model = make(routers="per-block")
    for index, route in ((1, (4,)), (7, (0,)), (1, ()), (1, (0, 0))):
        with raises(InputError, "routing.unknown-route", stage=index, route=list(route)):
            model.stage(index, route)
    _, tokens = make(selection="per-token")
    with raises(InputError, "routing.unknown-route", stage=1, route=[0]):
        tokens.stage(1, (0,))
    with raises(InputError, "input.invalid", name="routes", given=1, expected=0):
        tokens(images(tokens.config), [(0,)])


def test_a_forward_pass_of_the_contract(make):
    _, model = make()
    assert isinstance(model, UoE)
    assert model.stage(0, ())(torch.zeros(2, 1, 16, 16))[1].shape == (2, 4)
