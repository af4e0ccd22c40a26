"""Whole models as single modules answer as the model does."""

import itertools

import pytest
import torch
from expected_errors import raises
from task_moe import TaskMoE

from mvmoe_bench.measure.subjects.fused import AllExperts, Dense, Gather, StaticRoute
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import build, count
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.routing.given import Given


def model(**fields):
    sizes = {"image_size": 8, "patch_size": 4, "in_channels": 1, "width": 8, "heads": 2}
    config = MobileVMoEConfig(**sizes, depth=3, num_classes=5, **{"experts": 4, **fields})
    return build(config, seed=0).eval()


def routes_of(routed, image):
    """The routes that an image takes, and the model's answer."""
    output, routes = routed.stage(0, ())(image), []
    for stage, rule in enumerate(routed.routing, start=1):
        tokens, logits = output
        route, gates = rule.select_one(logits[0].numpy())
        routes.append(route)
        output = routed.stage(stage, routes[-1])(tokens, torch.tensor([gates]))
    return tuple(routes), output


@pytest.mark.parametrize("routers", ["shared", "per-layer"])
@pytest.mark.parametrize("renormalize", [False, True])
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_fused_modules_answer_as_the_model(top_k, renormalize, routers):
    routed = model(top_k=top_k, renormalize=renormalize, routers=routers)
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        everything = AllExperts(routed)(images)
        for number in range(len(images)):
            image = images[number : number + 1]
            routes, staged = routes_of(routed, image)
            wanted = routed(image)
            torch.testing.assert_close(staged, wanted)
            torch.testing.assert_close(StaticRoute(routed, routes)(image), wanted)
            torch.testing.assert_close(Gather(routed)(image), wanted)
            torch.testing.assert_close(everything[number : number + 1], wanted)


def test_the_static_graph_of_a_model_whose_caller_chooses_answers_as_the_model():
    torch.manual_seed(0)
    by_task = TaskMoE().eval()
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        for routes in itertools.product([(0, 1), (2,)], [(0,), (1,), (2,)]):
            given = StaticRoute(by_task, routes)(images)
            torch.testing.assert_close(given, by_task(images, routes))
        Dense(by_task)(images)


@pytest.mark.parametrize("subject", [AllExperts, Gather])
def test_a_graph_that_routes_itself_can_ask_no_caller(subject):
    with raises(InputError, "export.graph-refused", stage=1, name="given"):
        subject(TaskMoE())


@pytest.mark.parametrize("subject", [AllExperts, Gather])
def test_a_graph_routes_by_the_router_that_decides_otherwise(subject):
    routed, image = model(), torch.ones(1, 1, 8, 8)
    with torch.no_grad():
        wanted = subject(routed)(image)
        (rule,) = routed.routing
        named = {"all": (0, 1, 2, 3)}
        changed = RoutedBy(routed, Given(experts=4, named=named, otherwise=rule))
        torch.testing.assert_close(subject(changed)(image), wanted)


class RoutedBy(torch.nn.Module):
    """A model with another rule."""

    def __init__(self, routed, rule):
        super().__init__()
        self.input, self.stage, self.routing = routed.input, routed.stage, (rule,)


def test_another_route_is_another_answer():
    routed, image = model(), torch.ones(1, 1, 8, 8)
    with torch.no_grad():
        one, other = (StaticRoute(routed, ((expert,),))(image) for expert in (0, 1))
    assert not torch.allclose(one, other)


def attention_operations(query, key, value, *_, **__):
    """Two products of one multiply-accumulate for each pair of tokens and dimension of a head."""
    (batch, heads, count, width), (*_, keys, _), (*_, out) = query, key, value
    return 2 * batch * heads * count * keys * (width + out)


@pytest.mark.parametrize("top_k", [1, 2])
def test_the_dense_baseline_has_the_multiply_accumulates_of_one_image_less_the_router(top_k):
    routed, image = model(top_k=top_k), torch.ones(1, 1, 8, 8)
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counter = torch.utils.flop_counter.FlopCounterMode(
        display=False, custom_mapping={attention: attention_operations}
    )
    exported = torch.export.export(Dense(routed), (image,)).run_decompositions()
    with torch.no_grad(), counter:
        exported.module()(image)
    router = routed.config.width * routed.config.experts
    assert counter.get_total_flops() // 2 == count(routed).macs - router


def test_a_dense_model_is_its_own_baseline():
    from mvmoe_deploy.models.presets import configuration

    dense = build(configuration("vit_digits"), seed=0).eval()
    image = torch.ones(1, 1, 8, 8)
    with torch.no_grad():
        for baseline in (StaticRoute(dense, ()), AllExperts(dense), Dense(dense)):
            torch.testing.assert_close(baseline(image), dense(image))
