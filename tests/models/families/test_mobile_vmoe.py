"""Mobile V-MoE: what the paper's formula says, and the contract that all exporters rely on."""

import itertools

import pytest
import torch

from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.models import RoutedModel, build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.families.vit import ViT
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.top_p import TopP

# The same fp32 operations, grouped otherwise (one image or many, one expert or a sum).
TOLERANCE = 2e-5

VARIANTS = [
    {},
    {"top_k": 2},
    {"top_k": 2, "renormalize": True},
    {"top_k": 2, "routers": "per-layer"},
    {"routers": "per-layer", "moe_layers": 3, "router_input": "mean"},
    {"top_k": 4, "pool": "mean", "router_input": "mean"},
    {"moe_layers": 3, "gelu": "tanh", "router_input": "mean"},
    {"moe_layers": 1, "experts": 1},
]


def name_of(variant):
    return "-".join(f"{key}={value}" for key, value in variant.items()) or "default"


@pytest.fixture(params=VARIANTS, ids=name_of)
def model(request, tiny_moe, spread_out):
    return spread_out(build(tiny_moe(**request.param), seed=0))


def routes_of(model):
    """Every route of every routed stage."""
    return itertools.product(*(rule.routes() for rule in model.routing))


def run_stages(model, batch, routes):
    """The answer by the stages alone, as a dispatcher runs them, and the selected routes."""
    tokens, logits = model.stage(0, ())(batch)
    for index, (rule, route) in enumerate(zip(model.routing, routes, strict=True), start=1):
        gates = select(logits, rule, route)[1][:, list(route)]
        output = model.stage(index, route)(tokens, gates)
        if index == len(model.routing):
            return output
        tokens, logits = output
    raise AssertionError("a routed model ends in a routed stage")


def close(given, expected):
    torch.testing.assert_close(given, expected, atol=TOLERANCE, rtol=TOLERANCE)


# The contract


def test_it_satisfies_the_contract(model):
    assert isinstance(model, RoutedModel)
    assert len(model.routing) == model.config.routed_stages
    assert model.input.shape == (1, 16, 16)


def test_stages_compose_to_forward_for_every_route(model, images):
    batch = images(model.config, batch=2)
    with torch.no_grad():
        for routes in routes_of(model):
            close(run_stages(model, batch, routes), model(batch, routes))


def test_each_image_follows_its_own_route(model, images):
    batch = images(model.config, batch=8)
    with torch.no_grad():
        output = model.forward_routed(batch)
        for image in range(len(batch)):
            routes = [route_of(stage[image].numpy()) for stage in output.members]
            close(run_stages(model, batch[image : image + 1], routes)[0], output.logits[image])
    if model.config.experts > model.config.top_k:
        assert len(output.members[0].unique(dim=0)) > 1, "the images should not all agree"


def test_images_follow_routes_of_different_lengths(tiny_moe, images, spread_out):
    class Varied(MobileVMoE):
        routing = (TopP(experts=4, p=0.7, k_max=3),)

    torch.manual_seed(0)
    model = spread_out(Varied(tiny_moe(experts=4, moe_layers=1)).eval())
    batch = images(model.config, batch=16)
    with torch.no_grad():
        output = model.forward_routed(batch)
        for image in range(len(batch)):
            routes = [route_of(stage[image].numpy()) for stage in output.members]
            close(run_stages(model, batch[image : image + 1], routes)[0], output.logits[image])
    assert len(set(output.members[0].sum(dim=1).tolist())) > 1, "routes of several lengths"


def test_forward_is_forward_routed(model, images):
    batch = images(model.config)
    with torch.no_grad():
        output = model.forward_routed(batch)
        assert torch.equal(model(batch), output.logits)
    stages = model.config.routed_stages
    assert len(output.router_logits) == len(output.members) == len(output.gates) == stages
    for logits, members, gates, rule in zip(*output[1:4], model.routing, strict=True):
        assert logits.shape == members.shape == gates.shape == (3, rule.experts)
        assert (members.sum(dim=1) == rule.k).all() and not gates[~members].any()


def test_nothing_depends_on_the_other_images(model, images):
    batch = images(model.config, batch=6)
    with torch.no_grad():
        together = model.forward_routed(batch)
        for image in range(len(batch)):
            alone = model.forward_routed(batch[image : image + 1])
            close(alone.logits[0], together.logits[image])
            for mine, ours in zip(alone.members, together.members, strict=True):
                assert torch.equal(mine[0], ours[image])


def test_stages_share_the_models_parameters(model):
    own = {id(parameter) for parameter in model.parameters()}
    seen = set()
    for routes in routes_of(model):
        stages = [model.stage(0, ())]
        stages += [model.stage(index, route) for index, route in enumerate(routes, start=1)]
        for stage in stages:
            parameters = {id(parameter) for parameter in stage.parameters()}
            assert parameters <= own
            seen |= parameters
    assert seen == own, "every parameter is in some stage"


def test_two_routes_of_a_stage_have_the_same_parameter_names(model):
    for index, rule in enumerate(model.routing, start=1):
        routes = list(rule.routes())
        shapes = [
            {name: p.shape for name, p in model.stage(index, route).named_parameters()}
            for route in routes
        ]
        assert all(shape == shapes[0] for shape in shapes)


def test_only_the_experts_differ_between_two_routes(tiny_moe):
    model = build(tiny_moe(), seed=0)
    one = dict(model.stage(1, (0,)).named_parameters())
    other = dict(model.stage(1, (3,)).named_parameters())
    for name, parameter in one.items():
        assert (parameter is other[name]) == (".experts." not in name)


def test_any_set_of_distinct_experts_is_a_route(tiny_moe, images, spread_out):
    model = spread_out(build(tiny_moe(top_k=1), seed=0))
    batch = images(model.config)
    with torch.no_grad():
        tokens, logits = model.stage(0, ())(batch)
        gates = logits.softmax(-1)
        close(model.stage(1, (0, 1, 2, 3))(tokens, gates), model(batch, [(0, 1, 2, 3)]))
        reordered = model.stage(1, (3, 1, 0, 2))(tokens, gates[:, [3, 1, 0, 2]])
        close(reordered, model(batch, [(0, 1, 2, 3)]))


@pytest.mark.parametrize(
    "index, route",
    [(1, (4,)), (1, (-1,)), (1, ()), (1, (0, 0)), (2, (0,)), (-1, (0,)), (1, (0, 9))],
)
def test_a_stage_that_does_not_exist_is_refused(tiny_moe, index, route):
    with pytest.raises(InputError, match=r"does not exist|at least one expert"):
        build(tiny_moe(), seed=0).stage(index, route)


@pytest.mark.parametrize("routes", [[(0,), (1,)], [(4,)], [()], [(1, 1)]])
def test_forced_routes_that_do_not_fit_are_refused(tiny_moe, images, routes):
    with pytest.raises(InputError, match=r"forced|does not exist|at least one"):
        build(tiny_moe(), seed=0)(images(tiny_moe()), routes)


def test_an_image_that_is_not_finite_is_an_error_and_no_default_route(tiny_moe, images):
    batch = images(tiny_moe())
    batch[1, 0, 0, 0] = float("nan")
    with pytest.raises(RoutingError, check=lambda error: error.fields["image"] == 1):
        build(tiny_moe(), seed=0)(batch)


# The formula


@pytest.mark.parametrize("route", [(2,), (0, 3)])
def test_the_gate_multiplies_the_experts_output(tiny_moe, spread_out, route):
    """One MoE layer by hand: x + sum_i gate_i * fc2(gelu(fc1(norm2(x + attention(norm1(x))))))."""
    model = spread_out(build(tiny_moe(moe_layers=1, top_k=len(route)), seed=0))
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 17, 12, generator=generator)
    gates = torch.rand(2, len(route), generator=generator)
    block = model.blocks[-1]
    with torch.no_grad():
        after = tokens + block.attn(block.norm1(tokens))
        x, mixed = block.norm2(after), 0
        for slot, expert in enumerate(route):
            mlp = block.mlp.experts[expert]
            hidden = torch.nn.functional.gelu(x @ mlp.fc1.weight.T + mlp.fc1.bias)
            mixed = mixed + gates[:, slot, None, None] * (hidden @ mlp.fc2.weight.T + mlp.fc2.bias)
        expected = model.head(model.norm(after + mixed)[:, 0])
        close(model.stage(1, route)(tokens, gates), expected)


def test_a_gate_of_zero_leaves_the_attention_alone(tiny_moe, spread_out):
    model = spread_out(build(tiny_moe(moe_layers=1), seed=0))
    tokens = torch.randn(1, 17, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        answers = [model.stage(1, (expert,))(tokens, torch.zeros(1, 1)) for expert in range(4)]
    for answer in answers[1:]:
        assert torch.equal(answer, answers[0])


def test_router_logits_are_linear_in_the_cls_token(tiny_moe, images, spread_out):
    model = spread_out(build(tiny_moe(), seed=0))
    with torch.no_grad():
        tokens, logits = model.stage(0, ())(images(model.config))
        router = model.routers[0]
        close(logits, tokens[:, 0] @ router.weight.T + router.bias)


def test_router_logits_can_be_of_the_mean_of_the_patches(tiny_moe, images, spread_out):
    model = spread_out(build(tiny_moe(router_input="mean"), seed=0))
    with torch.no_grad():
        tokens, logits = model.stage(0, ())(images(model.config))
        router = model.routers[0]
        close(logits, tokens[:, 1:].sum(1) / 16 @ router.weight.T + router.bias)


def test_routers_per_layer_read_the_tokens_before_their_layer(tiny_moe, images, spread_out):
    model = spread_out(build(tiny_moe(routers="per-layer"), seed=0))
    with torch.no_grad():
        tokens, _ = model.stage(0, ())(images(model.config))
        after, logits = model.stage(1, (2,))(tokens, torch.full((3, 1), 0.7))
        close(logits, model.routers[1](after[:, 0]))
    assert len(model.routers) == 2
    assert len(model.stage(1, (0,)).layers) == 1


def test_one_router_serves_all_moe_layers(tiny_moe):
    model = build(tiny_moe(moe_layers=3), seed=0)
    assert len(model.routers) == 1
    assert len(model.stage(0, ()).layers) == 0
    assert len(model.stage(1, (0,)).layers) == 3


def test_unused_experts_get_no_gradient(tiny_moe, images):
    model = build(tiny_moe(), seed=0)
    model(images(model.config), [(2,)]).sum().backward()
    for expert, mlp in enumerate(model.blocks[-1].mlp.experts):
        assert (mlp.fc1.weight.grad is not None) == (expert == 2)
    assert model.routers[0].weight.grad.abs().sum() > 0, "the gate trains the router"


# From a dense model


@pytest.mark.parametrize(
    "routing",
    [
        {"experts": 4, "top_k": 1, "renormalize": True},
        {"experts": 4, "top_k": 2, "renormalize": True},
        {"experts": 3, "top_k": 3},
        {"experts": 1},
        {"experts": 4, "top_k": 2, "renormalize": True, "routers": "per-layer"},
    ],
    ids=name_of,
)
def test_experts_from_a_dense_model_answer_as_it_does_when_gates_sum_to_one(
    tiny_vit, images, spread_out, routing
):
    dense = spread_out(build(tiny_vit(), seed=0))
    routed = MobileVMoE.from_dense(dense, moe_layers=2, **routing).eval()
    batch = images(dense.config)
    with torch.no_grad():
        close(routed(batch), dense(batch))
    assert routed.config.dense() == dense.config
    assert routed.input == dense.input


def test_experts_from_a_dense_model_have_weights_of_their_own(tiny_vit):
    dense = build(tiny_vit(), seed=0)
    routed = MobileVMoE.from_dense(dense, experts=2, moe_layers=1)
    one, other = routed.blocks[-1].mlp.experts
    assert torch.equal(one.fc1.weight, dense.blocks[-1].mlp.fc1.weight)
    storages = {mlp.fc1.weight.data_ptr() for mlp in (one, other, dense.blocks[-1].mlp)}
    assert len(storages) == 3


def test_without_renormalization_the_gate_scales_the_dense_mlp(tiny_vit, images, spread_out):
    dense = spread_out(build(tiny_vit(), seed=0))
    routed = MobileVMoE.from_dense(dense, experts=4, moe_layers=1).eval()
    batch = images(dense.config)
    with torch.no_grad():
        gates = routed.forward_routed(batch).gates[0].sum(dim=1, keepdim=True)
        tokens = dense.embed(batch)
        for block in dense.blocks[:-1]:
            tokens = block(tokens)
        last = dense.blocks[-1]
        tokens = tokens + last.attn(last.norm1(tokens))
        tokens = tokens + gates[:, :, None] * last.mlp(last.norm2(tokens))
        close(routed(batch), dense.answer(tokens))
    assert (gates < 0.9).any(), "a gate that is no identity"


def test_the_dense_family_is_no_routed_one(tiny_vit):
    assert isinstance(build(tiny_vit(), seed=0), RoutedModel)
    assert type(build(tiny_vit(), seed=0)) is ViT
