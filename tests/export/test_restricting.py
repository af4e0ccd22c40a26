"""Models with a constant route or with fewer experts: they answer as the model itself would."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cascade import Cascade
from task_moe import TaskMoE
from torch import nn

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.models.families.mobile_vmoe import PART
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.stage_tensors import run_stage
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.contract import members_of, route_of
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_export import ExportOptions, Identity, export_bundle, restricted
from mvmoe_export.layers.found import ROUTER
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.restricting import INNER_LOGITS, restricted_prior
from mvmoe_export.targets.onnx import OnnxOptions

KEPT = (0, 2, 4)


@pytest.fixture(scope="module")
def model():
    """Five experts, two of them for each image; every expert is the first of some image."""
    torch.manual_seed(3)
    config = replace(
        PART.presets()["digits"],
        experts=5,
        top_k=2,
        depth=3,
        width=16,
        heads=2,
        router_input="mean",
    )
    made = PART.build(config).eval()
    with torch.no_grad():
        made.routers[0].weight.mul_(40)
        for parameter in made.parameters():  # Equal contents would be stored once.
            parameter.add_(torch.randn(parameter.shape) / 50)
    return made


@pytest.fixture(scope="module")
def images(model):
    return torch.randn(64, *model.input.shape, generator=torch.Generator().manual_seed(5))


def own_route(model, image):
    return route_of(model.forward_routed(image).members[0][0].numpy())


class Pyramid(nn.Module):
    """Two routed stages; the second one takes what the stem gave, and the first one gave."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs = {"answer": "logits"}
        self.input = Preprocessing(height=8, width=8)
        self.routing = (TopK(experts=3, k=2), TopK(experts=4, k=1, renormalize=True))
        self.stem, self.first_router = nn.Conv2d(3, 8, 2, 2), nn.Linear(8, 3)
        self.first = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(3))
        self.second = nn.ModuleList(nn.Conv2d(16, 8, 1) for _ in range(4))
        self.second_router, self.head = nn.Linear(8, 4), nn.Linear(8, 5)

    def forward(self, images, routes=None):
        rows = []
        for image in images.split(1):
            state = {"image": image}
            state |= run_stage(self.stage(0, ()), state)
            for index, rule in enumerate(self.routing, start=1):
                members, gates = select(state["logits"], rule, routes and routes[index - 1])
                route = route_of(members[0].numpy())
                state |= run_stage(self.stage(index, route), state, gates[:, list(route)])
            rows.append(state["answer"])
        return torch.cat(rows)

    def stage(self, index, route):
        return (PyramidStem, First, Second)[index](self, route)


def mix(maps, experts, gates):
    pairs = zip(gates.T[..., None, None, None], experts, strict=True)
    return sum(gate * expert(maps) for gate, expert in pairs)


class PyramidStem(nn.Module):
    def __init__(self, model, route) -> None:
        super().__init__()
        self.stem, self.router = model.stem, model.first_router

    def forward(self, image):
        large = self.stem(image).relu()
        return {"large": large, "logits": 9 * self.router(large.mean((2, 3)))}


class First(nn.Module):
    def __init__(self, model, route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.first[expert] for expert in route)
        self.router = model.second_router

    def forward(self, large, gates):
        mixed = mix(large, self.experts, gates)
        return {"small": mixed, "logits": 9 * self.router(mixed.mean((2, 3)))}


class Second(nn.Module):
    def __init__(self, model, route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.second[expert] for expert in route)
        self.head = model.head

    def forward(self, large, small, gates):
        both = torch.cat([large, small], dim=1)
        mixed = mix(both, self.experts, gates)
        return {"answer": self.head(mixed.mean((2, 3)))}


@pytest.fixture(scope="module")
def pyramid():
    torch.manual_seed(1)
    return Pyramid().eval()


def test_an_image_whose_route_is_kept_keeps_its_answer_bit_for_bit(model, images):
    fewer = restricted(model, keep_experts={1: KEPT})
    kept = [set(own_route(model, image)) <= set(KEPT) for image in images.split(1)]
    assert 5 < sum(kept) < 60
    for image, same in zip(images.split(1), kept, strict=True):
        answer, wanted = fewer(image), model(image)
        assert torch.equal(answer, wanted) == same


def test_gates_of_another_route_are_by_the_scores_of_all_experts(model, images):
    fewer = restricted(model, keep_experts={1: KEPT})
    (rule,) = fewer.routing
    for image in images.split(1):
        logits = model.forward_routed(image).router_logits[0].detach().numpy()
        members, gates = rule.select(logits)
        assert set(route_of(members[0])) <= set(KEPT)
        np.testing.assert_array_equal(gates, model.routing[0].gates(members, logits))
        forced = model(image, routes=[route_of(members[0])])
        assert torch.equal(fewer(image), forced)


def test_a_constant_route_is_the_model_forced_down_it(model, images):
    static = restricted(model, constant_routes={1: (1, 3)})
    assert static.routing == ()
    assert torch.equal(static(images), model(images, routes=[(1, 3)]))
    given = static.stage(0, ())(images)
    # Gates come from the same scores in another order of summation.
    torch.testing.assert_close(given["answer"], static(images), rtol=0, atol=1e-6)
    logits = model.forward_routed(images).router_logits[0]
    assert torch.equal(given[f"{INNER_LOGITS}1"], logits)
    assert len({tuple(row) for row in select(logits, model.routing[0], (1, 3))[1].tolist()}) > 9


def test_parameters_of_dropped_experts_are_not_counted(model):
    fewer, static = (
        restricted(model, keep_experts={1: KEPT}),
        restricted(model, constant_routes={1: (1, 3)}),
    )
    whole = count(model)
    expert = (whole.params_total - count(fewer).params_total) / 2
    assert expert == (whole.params_total - count(static).params_total) / 3
    assert count(static).params_total == count(static).params_active == whole.params_active
    assert (whole.macs, whole.params_active) == (count(fewer).macs, count(fewer).params_active)


@pytest.mark.parametrize(
    ("constant", "keep", "stages"),
    [
        ({1: (0, 2)}, {}, 1),
        ({2: (3,)}, {}, 1),
        ({1: (1, 2), 2: (0,)}, {}, 0),
        ({1: (0, 1)}, {2: (1, 2)}, 1),
        ({2: (2,)}, {1: (0, 1)}, 1),
    ],
)
def test_any_stage_of_several_may_be_restricted(pyramid, constant, keep, stages, tmp_path):
    made = restricted(pyramid, constant_routes=constant, keep_experts=keep)
    assert isinstance(made, RoutedModel)
    assert len(made.routing) == stages
    # The export asks the guard's three questions: its third one compares with `forward`.
    manifest = export_bundle(made, tmp_path / "b", strategy="dispatch")
    assert len(manifest.stages) == 1 + stages
    assert {each.stage: each.route for each in manifest.restrictions if each.route} == constant
    assert {each.stage: each.kept for each in manifest.restrictions if each.kept} == keep
    assert manifest.model.family == "Pyramid"


def test_the_model_itself_is_left_as_it_was(model, images):
    before = model(images[:4])
    restricted(model, constant_routes={1: (0, 1)})(images[:4])
    assert model.routing[0].kept is None
    assert torch.equal(model(images[:4]), before)
    assert restricted(model) is model


def test_a_constant_route_that_finishes_images_ends_the_model(tmp_path):
    torch.manual_seed(0)
    cascade = Cascade().eval()
    images = torch.randn(3, *cascade.input.shape)
    small = restricted(cascade, constant_routes={1: (0,)})
    assert small.routing == ()
    assert torch.equal(small(images), cascade.small(images)["answer"])
    assert list(small.stage(0, ())(images)) == ["answer"]
    large = restricted(cascade, constant_routes={1: (1,)})
    torch.testing.assert_close(
        large.stage(0, ())(images)["answer"], cascade(images, [(1,)]), rtol=0, atol=1e-6
    )
    for name, one in (("small", small), ("large", large)):
        assert len(export_bundle(one, tmp_path / name).stages) == 1


def test_what_a_caller_chooses_can_be_fixed(tmp_path):
    torch.manual_seed(0)
    tasks = TaskMoE().eval()
    image = torch.randn(1, *tasks.input.shape)
    depth = restricted(tasks, constant_routes={1: (0, 1)})
    assert torch.equal(depth(image, routes=[(1,)]), tasks(image, routes=((0, 1), (1,))))
    segment = restricted(tasks, keep_experts={1: (2,)})
    assert list(segment.routing[0].named) == ["segment"]
    manifest = export_bundle(depth, tmp_path / "b")
    assert [stage.rule and stage.rule.choice for stage in manifest.stages] == [None, "power"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"constant_routes": {1: (0,)}}, "routing.unknown-route"),
        ({"constant_routes": {2: (0, 1)}}, "input.option"),
        ({"keep_experts": {0: (0, 1)}}, "input.option"),
        ({"keep_experts": {1: (0,)}}, "input.option"),
        ({"keep_experts": {1: (0, 5)}}, "input.option"),
        ({"constant_routes": {1: (0, 1)}, "keep_experts": {1: (0, 1)}}, "input.option"),
    ],
)
def test_what_cannot_be_restricted_is_refused(model, options, code):
    with pytest.raises(InputError, check=lambda error: error.code == code):
        restricted(model, **options)


def test_a_model_is_restricted_once(model):
    once = restricted(model, keep_experts={1: KEPT})
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        restricted(once, keep_experts={1: (0, 2)})


def test_the_usage_prior_keeps_the_proportions_of_what_is_left(model):
    prior = (
        (
            RouteShare((0, 1), 0.5),
            RouteShare((0, 2), 0.3),
            RouteShare((2, 4), 0.1),
            RouteShare((1, 3), 0.1),
        ),
    )
    fewer = restricted(model, keep_experts={1: KEPT})
    (row,) = restricted_prior(prior, fewer)
    assert {item.route: item.share for item in row} == pytest.approx({(0, 2): 0.75, (2, 4): 0.25})
    assert restricted_prior(prior, restricted(model, constant_routes={1: (0, 1)})) == ()
    unused = (tuple(item for item in prior[0] if item.route == (1, 3)),)
    assert restricted_prior(unused, fewer) is None


@pytest.mark.parametrize("strategy", ["dispatch", "bind", "gather", "all-experts"])
def test_a_bundle_of_kept_experts_has_no_weights_of_others(model, strategy, tmp_path):
    fewer = restricted(model, keep_experts={1: KEPT})
    prior = ((RouteShare((0, 1), 0.5), RouteShare((0, 2), 0.5)),)
    identity = Identity(usage_prior=prior)
    manifest = export_bundle(fewer, tmp_path / "b", strategy=strategy, identity=identity)
    target = manifest.targets["onnx"]
    parameter_bytes = 4 * count(fewer).params_total
    assert target.sizes.distinct_bytes == pytest.approx(parameter_bytes, rel=0.02)
    if target.sizes.expert_bytes:
        assert [size > 0 for size in target.sizes.expert_bytes[0]] == [
            expert in KEPT for expert in range(5)
        ]
    assert manifest.usage_prior == ((RouteShare((0, 2), 1.0),),)
    # The model itself is given: it is restricted as the manifest says.
    report = verify_against_model(Bundle.open(tmp_path / "b"), model)
    assert report.ok
    members = report.targets["onnx"].members[0]
    assert not members[:, [1, 3]].any()


def test_a_bundle_is_not_verified_by_a_model_of_other_rules(model, tmp_path):
    export_bundle(restricted(model, constant_routes={1: (1, 3)}), tmp_path / "b")
    other = PART.build(replace(model.config, top_k=1)).eval()
    with pytest.raises(InputError, check=lambda error: error.code == "checkpoint.other-model"):
        verify_against_model(Bundle.open(tmp_path / "b"), other)


def test_the_router_of_a_constant_route_stays_precise(model, tmp_path):
    options = ExportOptions(targets={"onnx": OnnxOptions(precision="int8")})
    static = restricted(model, constant_routes={1: (1, 3)})
    target = export_bundle(static, tmp_path / "b", options=options).targets["onnx"]
    left = [layer.layer for layer in target.compression.left if layer.reason == ROUTER]
    assert len(left) == 1
    assert target.compression.layers > 5


def test_members_of_a_route_have_gates_by_all_scores():
    rule = TopK(experts=5, k=2).among(KEPT)
    logits = np.float32([[1, 5, 0, 5, 2]])
    members, gates = rule.select(logits)
    np.testing.assert_array_equal(members, members_of([(0, 4)], 5))
    assert gates.sum() < 0.1  # Experts 1 and 3 have most of the scores.
