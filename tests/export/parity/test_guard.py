"""The route guard: saboteurs, in the model and in the files, must be named; the healthy pass."""

import copy
import re
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.families.vit import ViT, ViTConfig
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export import export_bundle, programs
from mvmoe_export.parity.guard import checked_routes
from mvmoe_export.targets.onnx import template as onnx_template
from mvmoe_export.targets.onnx.template import Template

pytestmark = pytest.mark.usefixtures("shared_templates")


@pytest.fixture
def fails(tmp_path):
    """Exports a model that must fail; gives the message, having seen that nothing was left."""

    def run(model, **options):
        with pytest.raises(CheckFailedError) as caught:
            export_bundle(model, tmp_path / "bad.bundle", **options)
        assert not list(tmp_path.iterdir())
        return str(caught.value)

    return run


def with_step(zoo, step, base=None, **options):
    """A lively foreign model whose routed stages are made by `step(model, index, route)`."""

    class Saboteur(base or zoo.Foreign):
        def stage(self, index, route):
            return step(self, index, route) if index else zoo.Stem(self)

    return zoo.enliven(Saboteur(**options))


def test_stage_that_bakes_one_expert_in(zoo, fails):
    model = with_step(zoo, lambda model, index, route: zoo.Step(model, index, (0,)))
    message = fails(model)
    assert message.startswith("graph step1_e1 of target onnx")
    assert "model.stage(1, (1,)) that computes route (0,)" in message


def test_stage_that_bakes_one_expert_in_at_the_second_of_two_stages(zoo, fails):
    def step(model, index, route):
        return zoo.Step(model, index, (1,) if index == 2 else route)

    message = fails(with_step(zoo, step, experts=2, stages=2))
    assert message.startswith("graph step2_e0 of target onnx")
    assert "model.stage(2, (0,)) that computes route (1,)" in message


def test_stage_that_loses_an_expert(zoo, fails):
    message = fails(with_step(zoo, lambda m, i, route: zoo.Step(m, i, route[:1]), k=2))
    assert message.startswith("graph step1_e0_e1 of target onnx")
    assert "model.stage(1, (0, 1)) that loses expert 1" in message


def test_stage_that_ignores_its_gates(zoo, fails):
    class Deaf(zoo.Step):
        def forward(self, tokens, gates):
            return super().forward(tokens, torch.ones_like(gates))

    message = fails(with_step(zoo, Deaf, experts=2))
    assert re.match(r"graph step1_e(.) of .* model.stage\(1, \(\1,\)\) that ignores", message)


def test_stage_that_swaps_its_gates(zoo, fails):
    class Swapped(zoo.Step):
        def forward(self, tokens, gates):
            return super().forward(tokens, gates.flip(1))

    message = fails(with_step(zoo, Swapped, k=2))
    assert message.startswith("graph step1_e0_e1 of target onnx")


def test_stage_that_depends_on_the_other_experts_only_for_one_route(zoo, fails):
    def step(model, index, route):
        return zoo.Step(model, index, (0, 1) if route == (1, 2) else route)

    message = fails(with_step(zoo, step, k=2))
    assert message.startswith("graph step1_e1_e2 of target onnx")
    assert "model.stage(1, (1, 2)) that computes route (0, 1)" in message


def with_unwanted_expert(model, expert, logit):
    """A router that no image can bring to take `expert`: all of its logits are near `logit`."""
    with torch.no_grad():
        model.routers[0].weight[expert] = 0
        model.routers[0].bias[expert] = logit
    return model


def test_stage_that_bakes_in_the_route_of_an_expert_that_no_image_takes(zoo, fails):
    def step(model, index, route):
        return zoo.Step(model, index, (0,) if route == (2,) else route)

    # Its gate is about 1e-7: in fp32 forward and stages answer alike.
    message = fails(with_unwanted_expert(with_step(zoo, step), expert=2, logit=-16.0))
    assert message.startswith("graph step1_e2 of target onnx")
    assert "model.stage(1, (2,)) that computes route (0,)" in message


def test_all_experts_stage_that_loses_an_expert(zoo, fails):
    def step(model, index, route):
        return zoo.Step(model, index, route[:2] if len(route) == 3 else route)

    message = fails(with_step(zoo, step), strategy="all-experts")
    assert message.startswith("graph step1_all_experts of target onnx")
    assert "ignores its gates for route (2,)" in message


def test_forward_that_weighs_gates_by_another_rule(zoo, fails):
    class Renormalized(zoo.Foreign):
        def gate(self, stage, logits, routes):
            rule = TopK(experts=3, k=2, renormalize=True)
            return select(logits, rule, routes[stage] if routes else None)

    message = fails(zoo.enliven(Renormalized(k=2)))
    assert message.startswith("graph step1_e")
    assert "Renormalized.forward forced down routes [(" in message
    assert "weigh their gates, in different ways" in message


def test_forward_that_selects_by_another_rule(zoo, fails):
    class Lowest(zoo.Foreign):
        def gate(self, stage, logits, routes):
            forced = routes[stage] if routes else None
            if forced is not None:
                return select(logits, self.routing[stage], forced)
            return select(-logits, self.routing[stage])

    message = fails(zoo.enliven(Lowest()))
    assert "Lowest.forward answers otherwise than its stages" in message


def test_stem_whose_logits_are_of_another_router(zoo, fails):
    class Stem(zoo.Stem):
        def forward(self, images):
            tokens, logits = super().forward(images)
            return tokens, logits.flip(1)

    class Flipped(zoo.Foreign):
        def stage(self, index, route):
            return zoo.Step(self, index, route) if index else Stem(self)

    message = fails(zoo.enliven(Flipped()))
    assert message.startswith("graph step1_e0 of target onnx")


def test_forward_without_routes(zoo, fails):
    class Unforced(zoo.Foreign):
        def forward(self, images):
            return super().forward(images)

    message = fails(zoo.enliven(Unforced(experts=2)))
    assert "Unforced.forward cannot be forced down a route" in message
    assert "forward(images, routes=None)" in message


def test_forward_that_gives_more_than_the_answer(zoo, fails):
    class Talkative(zoo.Foreign):
        def forward(self, images, routes=None):
            return super().forward(images, routes), "more"

    assert "forward gives tuple" in fails(zoo.enliven(Talkative(experts=2)))


def test_forward_that_ignores_its_routes(zoo, fails):
    class Stubborn(zoo.Foreign):
        def forward(self, images, routes=None):
            return super().forward(images)

    message = fails(zoo.enliven(Stubborn(experts=2)))
    assert message.startswith("graph step1_e")


def test_images_of_a_batch_that_depend_on_each_other(zoo, fails):
    class Centred(zoo.Stem):
        def forward(self, images):
            return super().forward(images - images.mean(0, keepdim=True) / 2)

    class Crowd(zoo.Foreign):
        def stage(self, index, route):
            return zoo.Step(self, index, route) if index else Centred(self)

        def forward(self, images, routes=None):
            return super().forward(images - images.mean(0, keepdim=True) / 2, routes)

    assert "no image may depend on the others of its batch" in fails(zoo.enliven(Crowd()))


@pytest.mark.parametrize(("weight", "graph"), [("routers.0", "stem"), ("head", "step1_e0")])
def test_weights_that_are_not_finite(zoo, fails, weight, graph):
    model = zoo.enliven(zoo.Foreign(experts=2))
    model.get_parameter(f"{weight}.weight").data[0, 0] = torch.nan
    message = fails(model)
    assert message.startswith(f"graph {graph} of target onnx")
    assert "the model itself gives values that are not finite" in message


# Sabotage of the exported files: the model is healthy, what is written is not.


@pytest.fixture
def tamper(monkeypatch):
    """Changes what fills one graph's slots; graphs are filled in order, the stem first."""

    def install(change):
        healthy = Template.fill
        filled = []

        def fill(self, module, ranges=None):
            filled.append(healthy(self, module))
            return change(len(filled) - 1, filled)

        monkeypatch.setattr(Template, "fill", fill)

    return install


def test_graph_with_the_weights_of_another_expert(zoo, fails, tamper):
    tamper(lambda position, filled: filled[min(position, 1)])
    message = fails(zoo.enliven(zoo.Foreign(experts=2)))
    assert message.startswith("graph step1_e1 of target onnx has route (0,) baked in")


def zeroed(filled, part):
    return {slot: np.zeros_like(a) if part in slot else a for slot, a in filled.items()}


def test_graph_with_a_bias_of_zeros(zoo, fails, tamper):
    tamper(lambda at, filled: zeroed(filled[at], "0.bias") if at == 2 else filled[at])
    message = fails(zoo.enliven(zoo.Foreign(experts=2)))
    assert message.startswith("graph step1_e1 of target onnx differs from PyTorch by")


def test_graph_that_loses_an_expert(zoo, fails, tamper):
    tamper(lambda at, filled: zeroed(filled[at], "experts.1.2.") if at == 2 else filled[at])
    message = fails(zoo.enliven(zoo.Foreign(experts=3, k=2)))
    assert message.startswith("graph step1_e0_e2 of target onnx loses expert 2 of route (0, 2)")


def test_stem_with_another_bias_in_its_router(zoo, fails, tamper):
    tamper(lambda at, filled: zeroed(filled[at], "router.bias") if at == 0 else filled[at])
    message = fails(zoo.enliven(zoo.Foreign(experts=2)))
    assert message.startswith("graph stem of target onnx differs from PyTorch by")


def test_graph_that_ignores_its_gates(zoo, fails, monkeypatch):
    class Deaf(zoo.Step):
        def __init__(self, step):
            self.__dict__.update(step.__dict__)

        def forward(self, tokens, gates):
            return super().forward(tokens, gates * 0 + 1)

    healthy = onnx_template.make_program

    def make(name, module, inputs, rewrites, *, capture, bound, layers):
        if name != "stem":
            module = Deaf(module)
            capture = partial(programs.capture_stage, name, module, inputs)
        return healthy(name, module, inputs, rewrites, capture=capture, bound=bound, layers=layers)

    monkeypatch.setattr(onnx_template, "make_program", make)
    message = fails(zoo.enliven(zoo.Foreign(experts=2)))
    assert message.startswith("graph step1_e0 of target onnx ignores its gates for route (0,)")


def test_gather_graph_that_gathers_one_expert_always(zoo, fails, monkeypatch):
    strategy = type(find_strategy("gather"))
    healthy = strategy.module

    def module(self, rule, graph, build):
        made = healthy(self, rule, graph, build)
        forward = type(made).forward
        made.forward = lambda t, g, experts: forward(made, t, g, experts * 0)
        return made

    monkeypatch.setattr(strategy, "module", module)
    message = fails(zoo.enliven(zoo.Foreign(experts=2)), strategy="gather")
    assert message.startswith("graph step1_gather of target onnx has route (0,) baked in")


def test_stage_that_branches_on_data_is_named(zoo, tmp_path):
    class Branch(zoo.Step):
        def forward(self, tokens, gates):
            return super().forward(tokens if tokens.sum() > 0 else -tokens, gates)

    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["graph"]) == ("export.graph-refused", "step1_e0")
        ),
    ):
        export_bundle(with_step(zoo, Branch, experts=2), tmp_path / "bad.bundle")
    assert not list(tmp_path.iterdir())


# Healthy models, among them those whose experts can hardly be told apart.

CASES = st.fixed_dictionaries(
    {
        "shape": st.fixed_dictionaries(
            {
                "experts": st.integers(2, 3),
                "k": st.integers(1, 2),
                "stages": st.integers(1, 2),
                "renormalize": st.booleans(),
            }
        ),
        "seed": st.integers(0, 1000),
        "scale": st.sampled_from([0.1, 1.0, 3.0]),
        "batch": st.integers(1, 2),
    }
)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
@example(case={"shape": {}, "seed": 0, "scale": 1e-6, "batch": 1})
@example(case={"shape": {}, "seed": 0, "scale": 1e4, "batch": 1})
def test_healthy_models_pass(zoo, export, case):
    model = zoo.enliven(zoo.Foreign(**case["shape"]), case["seed"])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(case["scale"])
    assert export(model, batch=case["batch"]).exists()


def test_experts_that_all_start_from_one_dense_mlp_pass(export):
    config = ViTConfig(image_size=8, patch_size=4, in_channels=1, width=16, heads=2, depth=2)
    model = MobileVMoE.from_dense(ViT(config), experts=2, moe_layers=1)
    assert export(model).exists()


def test_experts_that_give_nothing_pass(zoo, export):
    model = zoo.enliven(zoo.Foreign(experts=2))
    with torch.no_grad():
        for expert in model.experts[0]:
            expert[2].weight.zero_()
            expert[2].bias.zero_()
    assert export(model).exists()


def test_an_expert_that_no_image_takes_passes(zoo, export):
    model = with_unwanted_expert(zoo.enliven(zoo.Foreign()), expert=2, logit=-60.0)
    assert export(model).exists()


def test_model_that_does_not_run_in_double_precision_passes(zoo, export):
    class Mixed(zoo.Foreign):
        def forward(self, images, routes=None):
            # A product of fp32 gates and what the experts give is refused for doubles.
            tokens = self.embed(images.flatten(1))
            members, gates = self.gate(0, self.routers[0](tokens), routes)
            rows = []
            for image, used in enumerate(members):
                route = used.nonzero().flatten().tolist()
                added = [self.experts[0][expert](tokens[image : image + 1]) for expert in route]
                rows.append(tokens[image] + (gates[image, used] @ torch.cat(added)))
            return self.head(torch.stack(rows))

    model = zoo.enliven(Mixed(k=2))
    with pytest.raises(RuntimeError, match="dtype"):
        copy.deepcopy(model).double()(torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    assert export(model).exists()


def test_forward_that_adds_up_in_single_precision_passes(zoo, export):
    class Rounded(zoo.Foreign):
        def forward(self, images, routes=None):
            tokens = self.embed(images.flatten(1))
            members, gates = self.gate(0, self.routers[0](tokens), routes)
            mixed = torch.zeros(tokens.shape) + tokens.float()
            for image, expert in members.nonzero().tolist():
                mixed[image] += gates[image, expert] * self.experts[0][expert](tokens[image])
            return self.head(mixed.to(tokens.dtype))

    model = with_unwanted_expert(zoo.enliven(Rounded()), expert=2, logit=-16.0)
    assert export(model).exists()


def test_of_very_many_routes_some_are_checked_that_cover_every_expert(zoo):
    rule = TopK(experts=64, k=4)
    routes = checked_routes(rule)
    assert len(routes) == 16
    assert {expert for route in routes for expert in route} == set(range(64))
    assert len(checked_routes(TopK(experts=10, k=2))) == 45


def test_an_expert_that_does_not_run_in_double_precision_passes(zoo, export):
    class Picky(nn.Linear):
        def forward(self, x):
            assert x.dtype == torch.float32, "an expert for fp32 alone"
            return super().forward(x)

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Picky(16, 16) if expert == 2 else nn.Linear(16, 16)

    assert export(zoo.enliven(Model())).exists()


def test_a_model_that_switches_gradients_on_passes(zoo, export, assert_answers):
    class Step(zoo.Step):
        def forward(self, tokens, gates):
            torch.set_grad_enabled(True)
            return super().forward(tokens, gates)

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return Step(self, index, route) if index else super().stage(index, route)

    model = zoo.enliven(Model())
    assert_answers(export(model), model, routes=1)
