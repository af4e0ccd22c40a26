"""One graph with its routers inside: what it answers, which routes it can be steered down."""

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS, STEERING
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.presets import configuration
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_deploy.verification.routed_in_graph import RoutedInGraph
from mvmoe_deploy.verification.steering import steered_way
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.auto_strategy import choose_strategy
from mvmoe_export.flow import flow_of
from mvmoe_export.parity.guard_in_graph import guard_in_graph
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.coreml import CoreMLOptions

STRATEGIES = ["gather", "all-experts"]
RULES = [
    TopK(experts=3, k=2),
    TopK(experts=3, k=2, unit_gates=True),
    TopK(experts=3, k=1, renormalize=True),
    TopP(experts=3, p=0.5, k_max=2),
    Threshold(experts=3, thresholds=(0.0, 0.1, -0.1)),
]

TOLERANCE = 1e-5
"""Relative to the largest answer; another route is off by 1e-2 and more."""

FP32 = ExportOptions(targets={"coreml": CoreMLOptions(precision="fp32")})


def routed(zoo, rule, stages=2):
    """A model of two routed stages with a rule."""
    model = zoo.Foreign(experts=rule.experts, stages=stages)
    model.routing = (rule,) * stages
    return zoo.enliven(model)


def pictures(count=12, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 1, 8, 8)).astype(np.float32)


def require_same(given, wanted):
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
def test_every_rule_routes_inside_of_the_graph(zoo, export, rule, strategy):
    model = routed(zoo, rule)
    path = export(model, strategy=strategy, routers="in-graph")
    bundle = Bundle.open(path)
    (graph,) = bundle.target("onnx").graphs
    assert [spec.name for spec in graph.inputs] == ["image", STEERING]
    assert {spec.name for spec in graph.outputs} == {"answer", ROUTER_LOGITS}
    report = verify_against_model(bundle, model)
    report.require_ok()
    routes = report.targets["onnx"].per_route
    assert {route.forced or route.images > 0 for route in routes} == {True}
    verify_bundle(bundle).require_ok()
    images = pictures()
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    with Dispatcher.open(path, threads=1) as dispatcher:
        dispatcher.check().require_ok()
        require_same(dispatcher.run(images)["answer"], wanted)
        for image, answer in zip(images, wanted, strict=True):
            require_same(dispatcher.run(image[None])["answer"][0], answer)


@pytest.mark.parametrize("target", ["executorch", "coreml"])
def test_other_targets_route_inside_of_their_graph(zoo, export, target):
    model = routed(zoo, TopK(experts=3, k=2))
    path = export(model, strategy="gather", routers="in-graph", targets=(target,), options=FP32)
    verify_against_model(Bundle.open(path), model).require_ok()
    with Dispatcher.open(path, target) as dispatcher:
        images = pictures(4)
        require_same(
            dispatcher.run(images)["answer"], model(torch.from_numpy(images)).detach().numpy()
        )


def test_a_prediction_says_the_routes_that_were_taken_inside(zoo, export):
    model = routed(zoo, TopK(experts=3, k=2))
    path = export(model, strategy="gather", routers="in-graph")
    picture = np.random.default_rng(3).integers(0, 256, (8, 8, 1), np.uint8)
    with Dispatcher.open(path) as dispatcher:
        given = dispatcher.predict(picture)
        with raises(InputError, "routing.no-such-choice", given="task"):
            dispatcher.predict(picture, task="depth")
        assert dispatcher.resident == ()
    image = (picture.transpose(2, 0, 1)[None].astype(np.float32) / 255 - 0.5) / 0.25
    tokens, logits = model.stage(0, ())(torch.from_numpy(image))
    for number, rule in enumerate(model.routing):
        route, gates = rule.select_one(logits[0].detach().numpy())
        assert given.routes[number] == route
        np.testing.assert_allclose(given.stage_gates[number], gates, rtol=1e-5)
        output = model.stage(number + 1, route)(tokens, torch.tensor([gates]))
        tokens, logits = output if number == 0 else (output, logits)
    assert given.last_stage == "step2"
    require_same(given.logits, tokens[0].detach().numpy())


def test_a_batch_routes_each_of_its_images(zoo, export):
    model = routed(zoo, TopK(experts=3, k=2))
    path = export(model, strategy="all-experts", routers="in-graph", batch=4)
    images = pictures(6)
    with Dispatcher.open(path) as dispatcher:
        require_same(
            dispatcher.run(images)["answer"], model(torch.from_numpy(images)).detach().numpy()
        )


def changed_expert(zoo, model, stage, expert):
    """The same model, but one expert is another one, whom its router never wants."""
    with torch.no_grad():
        model.routers[stage].bias[expert] = -30.0
        other = zoo.Foreign(experts=3, stages=2)
        other.routing = model.routing
        other.load_state_dict(model.state_dict())
        other.experts[stage][expert][0].weight.mul_(-1.0)
    return other.eval()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_expert_that_no_image_uses_is_looked_at(zoo, export, strategy):
    """Its gate is 1e-13 wherever its route is imposed without steering."""
    model = routed(zoo, TopK(experts=3, k=1))
    other = changed_expert(zoo, model, 1, 2)
    path = export(other, strategy=strategy, routers="in-graph")
    bundle = Bundle.open(path)
    stages = make_stages(model, strategy, routers="in-graph")
    with raises(CheckFailedError, "check.failed", target="onnx", graph="model") as caught:
        guard_in_graph("onnx", stages, bundle.target("onnx"), path)
    assert "on the routes [(0,), (2,)]; it begins in" in str(caught.value)
    guard_in_graph(
        "onnx", make_stages(other, strategy, routers="in-graph"), bundle.target("onnx"), path
    )
    report = verify_against_model(bundle, model)
    assert not report.ok
    fault = report.targets["onnx"].fault
    assert fault is not None
    assert fault.operator is not None


def test_a_route_that_rounding_flips_is_compared_on_the_references_route(zoo, export):
    """Two experts are as good as equal, and the target takes the other one of them."""
    model = routed(zoo, TopK(experts=3, k=1))
    with torch.no_grad():
        for router in model.routers:
            router.weight[1] = router.weight[0]
            router.bias[:2] = 4.0
    other = zoo.Foreign(experts=3, stages=2)
    other.routing = model.routing
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        for router in other.routers:
            router.bias[1] += 3e-6
    path = export(other.eval(), strategy="gather", routers="in-graph")
    inputs = pictures()
    samples = Samples(names=[str(number) for number in range(len(inputs))], inputs=inputs)
    report = verify_against_model(Bundle.open(path), model, samples)
    assert report.targets["onnx"].routing_agreement < 1
    assert report.targets["onnx"].disagreements
    assert all(each.near_tie for each in report.targets["onnx"].disagreements)
    report.require_ok()


def test_forward_is_what_the_graph_is_held_against(zoo, tmp_path):
    """A model whose forward weighs its gates otherwise than its stages is refused."""

    class Doubled(zoo.Foreign):
        def gate(self, stage, logits, routes):
            members, gates = select(logits, self.routing[stage], routes[stage] if routes else None)
            return members, gates * 2

    model = zoo.enliven(Doubled(stages=2))
    with raises(CheckFailedError, "check.failed", target="onnx", graph="model") as caught:
        export_bundle(model, tmp_path / "b", strategy="gather", routers="in-graph")
    assert "forward" in str(caught.value)


def test_what_cannot_route_inside_is_refused(zoo):
    model = zoo.enliven(zoo.Foreign(stages=2))
    with raises(InputError, "input.option", name="routers", given="dispatch"):
        make_stages(model, "dispatch", routers="in-graph")
    with raises(InputError, "input.option", name="batch", given=2):
        make_stages(model, "gather", 2, routers="in-graph")
    model.routing = (Given(experts=3, named={"a": (0,)}, otherwise=TopK(experts=3)),) * 2
    with raises(InputError, "input.option", name="routers", given="given"):
        make_stages(model, "gather", routers="in-graph")
    with raises(InputError, "input.option", name="routers", given="a model without routers"):
        make_stages(build(configuration("vit_digits"), seed=0), "gather", routers="in-graph")


def test_fp16_is_refused_before_anything_is_made(zoo, tmp_path):
    model = zoo.enliven(zoo.Foreign(stages=2))
    with raises(InputError, "input.option", name="routers", given="fp16"):
        export_bundle(
            model, tmp_path / "b", targets=("coreml",), strategy="gather", routers="in-graph"
        )
    assert not list(tmp_path.iterdir())


def test_auto_takes_a_strategy_that_can(zoo):
    model = zoo.enliven(zoo.Foreign(stages=2))
    assert choose_strategy(model, routers="in-graph").name == "gather"


def test_a_graph_gives_the_logits_that_its_steering_is_added_to(zoo, export):
    model = routed(zoo, TopK(experts=3, k=1))
    bundle = Bundle.open(export(model, strategy="gather", routers="in-graph"))
    record = msgspec.to_builtins(bundle.target("onnx"))
    assert record["routers"] == "in-graph"
    runner = open_runner(bundle.path, bundle.target("onnx"))
    engine = RoutedInGraph(runner, bundle.manifest, bundle.target("onnx"))
    images = pictures(2)
    own = engine.own(engine.start(images))
    steering = np.zeros((2, 6), np.float32)
    steering[:, 2] = 50
    steered = engine.steered(images, steering)
    np.testing.assert_array_equal(own["logits.1"], steered["logits.1"])
    assert steered["members.1"].tolist() == [[False, False, True]] * 2
    assert not np.array_equal(own["logits.2"], steered["logits.2"])


def test_a_trace_imposes_routes_and_leaves_nothing_behind(zoo, export):
    model = routed(zoo, TopK(experts=3, k=2))
    path = export(model, strategy="gather", routers="in-graph")
    image = pictures(1)
    stages = TorchStages(model, flow_of(model))
    with TracingDispatcher.open(path) as dispatcher:
        own = dispatcher.trace(image)
        assert own.routes == dispatcher.trace(image).routes
        require_same(own.outputs["answer"], dispatcher.run(image)["answer"])
        for routes in (((0, 1), (1, 2)), ((1, 2), (0, 2))):
            traced = dispatcher.trace(image, routes)
            records = flow_of(model).records
            way = steered_way(stages, records, flow_of(model).outputs, image, routes)
            assert traced.routes == routes
            require_same(traced.outputs["answer"], way.vectors["outputs.answer"])
        require_same(dispatcher.run(image)["answer"], own.outputs["answer"])
        with raises(InputError, "input.invalid", name="routes", given=1, expected=2):
            dispatcher.trace(image, [(0, 1)])


def test_inspect_says_where_the_routers_are(zoo, export, capsys):
    model = routed(zoo, TopK(experts=3, k=2))
    path = export(model, strategy="gather", routers="in-graph")
    with pytest.raises(SystemExit, check=lambda end: end.code in (0, None)):
        main(["inspect", str(path)])
    assert "strategy gather, routers in the graph, fp32" in capsys.readouterr().out
