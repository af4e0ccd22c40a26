"""Stages that finish an image: what ran last is the answer, and nothing after it runs."""

import json
from typing import ClassVar

import numpy as np
import pytest
import torch
from expected_errors import raises
from PIL import Image
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError, EngineError, InputError, PartialResultError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export import Identity, export_bundle
from mvmoe_export.flow import flow_of
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.parity.reference_outputs import reference_outputs
from mvmoe_export.stages import make_stages

STOP = (0,)
TOLERANCE = 1e-5
"""Of answers around 1, which engine and PyTorch add up in another order."""


class Exits(nn.Module):
    """A stem and two routed stages; expert 0 of either means that the answer is there already."""

    outputs: ClassVar = {"answer": "logits", "features": "embedding"}
    finishes: ClassVar = {1: [STOP], 2: [STOP]}

    def __init__(self):
        super().__init__()
        self.input = Preprocessing(height=8, width=8, channel_order="L", mean=(0.5,), std=(0.5,))
        self.routing = (TopK(experts=3), TopK(experts=2))
        self.first = nn.Linear(64, 16)
        self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(4))
        self.routers = nn.ModuleList(nn.Linear(16, rule.experts) for rule in self.routing)
        self.heads = nn.ModuleList(nn.Linear(16, 5) for _ in range(3))

    def forward(self, images, routes=None):
        outputs = [self.one(image[None], routes) for image in images]
        return {name: torch.cat([each[name] for each in outputs]) for name in self.outputs}

    def one(self, image, routes):
        state = self.stage(0, ())(image)
        for index, rule in enumerate(self.routing, start=1):
            members, gates = select(state["logits"], rule, routes[index - 1] if routes else None)
            route = tuple(members[0].nonzero().flatten().tolist())
            if route in self.finishes[index]:
                break
            state |= self.stage(index, route)(state["features"], gates[:, list(route)])
        return state

    def stage(self, index, route):
        return Stage(self, index, route) if index else Stem(self)

    def expert(self, stage, index):
        assert index, "an expert that computes nothing was asked for"
        return nn.Sequential(self.layers[stage - 1 + index], nn.ReLU())

    def join(self, stage, count):
        return Join(self, stage)


class Stem(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.first, self.head, self.router = model.first, model.heads[0], model.routers[0]

    def forward(self, image):
        features = self.first(image.flatten(1)).relu()
        answer, logits = self.head(features), self.router(features)
        return {"features": features, "answer": answer, "logits": logits}


class Join(nn.Module):
    def __init__(self, model, index):
        super().__init__()
        self.head = model.heads[index]
        self.routers = model.routers[1:] if index == 1 else nn.ModuleList()

    def forward(self, features, *outputs_and_gates):
        *outputs, gates = outputs_and_gates
        added = zip(gates.T[..., None], outputs, strict=True)
        features = features + sum(gate * output for gate, output in added)
        given = {"features": features, "answer": self.head(features)}
        for router in self.routers:
            given["logits"] = router(features)
        return given


class Stage(Join):
    def __init__(self, model, index, route):
        super().__init__(model, index)
        assert 0 not in route, "a stage was asked for on a route that runs nothing"
        self.layers = nn.ModuleList(model.layers[index - 1 + expert] for expert in route)

    def forward(self, features, gates):
        return super().forward(features, *(layer(features).relu() for layer in self.layers), gates)


def make_model():
    torch.manual_seed(3)
    model = Exits().eval()
    for router in model.routers:
        nn.init.normal_(router.weight, std=2.0)
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def images(model):
    return torch.randn(40, *model.input.shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def vectors(model, images):
    with torch.no_grad():
        return reference_outputs(model, images)


@pytest.fixture(scope="module")
def last(vectors):
    """The stage that each image runs last; some images finish at each."""
    goes_on = [vectors[f"members.{i}"][:, 1:].any(axis=1) for i in (1, 2)]
    found = goes_on[0].astype(int) + goes_on[1]
    assert set(found) == {0, 1, 2}
    return found


@pytest.fixture(scope="module", params=["dispatch", "all-experts", "experts"])
def path(request, model, tmp_path_factory):
    """Three images at a time."""
    path = tmp_path_factory.mktemp("exits") / "exits.bundle"
    export_bundle(model, path, strategy=request.param, batch=3, identity=Identity(name="exits"))
    return path


def assert_outputs(given, model, images):
    with torch.no_grad():
        wanted = model(images)
    for name, tensor in wanted.items():
        np.testing.assert_allclose(given[name], tensor.numpy(), rtol=0, atol=TOLERANCE)


def test_what_finished_images_would_run_is_zero(model, vectors, last, images):
    for stage in (1, 2):
        unreached = last < stage - 1
        for name in ("logits", "members", "gates"):
            assert not vectors[f"{name}.{stage}"][unreached].any()
    outputs = {name: vectors[f"outputs.{name}"] for name in model.outputs}
    assert_outputs(outputs, model, images)


def test_images_of_one_batch_finish_at_different_stages(model, path, images):
    with Dispatcher.open(path, threads=1) as dispatcher:
        for part in (images, images[:1], images[1:5]):
            assert_outputs(dispatcher.run(part.numpy()), model, part)


def test_an_expert_that_only_finishes_images_keeps_no_other_from_being_prepared(
    model, images, tmp_path
):
    """It is the first of its stage, and has no weights that could be bound."""
    path = tmp_path / "bound.bundle"
    export_bundle(model, path, strategy="bind", identity=Identity(name="exits"), skip_verify=True)
    with Dispatcher.open(path, threads=1) as dispatcher:
        assert [not expert.tensors for expert in dispatcher.target.experts[0]] == [
            True,
            False,
            False,
        ]
        for graph in dispatcher.target.graphs[1:]:
            loaded = dispatcher._graphs.held(graph).value.graph
            computing = len(dispatcher.target.experts[graph.stage - 1]) - 1
            assert len(loaded._weights) == computing * len(graph.bound)
        for image in images:
            assert_outputs(dispatcher.run(image[None].numpy()), model, image[None])


def test_an_image_that_is_finished_loads_and_runs_nothing_more(model, path, images, last):
    with TracingDispatcher.open(path, threads=1) as dispatcher:
        graphs = len(find_strategy(dispatcher.target.strategy).serving((1,)))
        for image, stage in zip(images, last, strict=True):
            trace = dispatcher.trace(image[None].numpy())
            assert len(trace.cold) == stage and len(trace.routes) == min(stage + 1, 2)
            names = [name for name, _ in trace.laps]
            assert names.count("expert") == stage * graphs
            assert names.count("select") == min(stage + 1, 2)
            assert_outputs(trace.outputs, model, image[None])
    with Dispatcher.open(path, threads=1) as dispatcher:
        dispatcher.run(images[last == 0].numpy())
        assert dispatcher.resident == ()
        dispatcher.run(images[last == 1].numpy())
        assert {name[:5] for name in dispatcher.resident} <= {"step1"}


def test_a_prediction_says_where_its_image_was_finished(path, model):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
    stages = set()
    with Dispatcher.open(path, threads=1) as dispatcher:
        for picture in pixels:
            found = dispatcher.predict(picture)
            ran = {"stem": 0, "step1": 1, "step2": 2}[found.last_stage]
            assert len(found.routes) == min(ran + 1, 2)
            assert (found.routes[-1] == STOP) == (ran < 2)
            stages.add(found.last_stage)
        assert dispatcher.check().ok
    assert len(stages) > 1


def test_the_command_line_says_where_images_are_finished(path, tmp_path, mvmoe):
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    code, out, _ = mvmoe("run", path, tmp_path, "--json")
    assert code == 0
    data = json.loads(out)
    for result in data["results"]:
        ran = {"stem": 0, "step1": 1, "step2": 2}[result["last_stage"]]
        assert len(result["route"]) == min(ran + 1, 2)
    assert len({result["last_stage"] for result in data["results"]}) > 1
    data = json.loads(mvmoe("inspect", path, "--json")[1])
    assert data["finishes"] == [[[0]], [[0]]]
    assert [(each["name"], each["kind"]) for each in data["outputs"]] == [
        ("answer", "logits"),
        ("features", "embedding"),
    ]
    shown = mvmoe("inspect", path)[1]
    assert "finishes an image on 0" in shown and "output: features (embedding), 16" in shown


def test_a_route_can_be_imposed_that_finishes(model, path, images):
    with TracingDispatcher.open(path, threads=1) as dispatcher:
        for routes in (((0,), (0,)), ((2,), (0,)), ((1,), (1,))):
            trace = dispatcher.trace(images[:1].numpy(), routes)
            with torch.no_grad():
                wanted = model(images[:1], routes)["answer"].numpy()
            np.testing.assert_allclose(trace.outputs["answer"], wanted, rtol=0, atol=TOLERANCE)


def test_an_expert_that_does_not_load_does_not_matter_to_finished_images(
    model, path, images, last, monkeypatch
):
    from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner

    load = OnnxRunner.load

    def broken(self, name):
        if name == "step2_e1":
            raise EngineError("broken")
        return load(self, name)

    if Bundle.open(path).target("onnx").strategy == "all-experts":
        return  # All graphs are loaded when the bundle is opened.
    monkeypatch.setattr(OnnxRunner, "load", broken)
    with Dispatcher.open(path, threads=1) as opened, pytest.raises(PartialResultError) as caught:
        opened.run(images.numpy())
    assert sorted(caught.value.failed) == np.flatnonzero(last == 2).tolist()
    answers = {name: array[last < 2] for name, array in caught.value.answers.items()}
    assert_outputs(answers, model, images[last < 2])


def test_a_bundle_is_verified_down_every_way_to_finish(model, path):
    report = verify_against_model(Bundle.open(path), model)
    assert report.ok
    routes = {(each.stage, each.route) for each in report.targets["onnx"].per_route}
    assert {(1, STOP), (2, STOP)} <= routes


def test_a_strategy_that_needs_every_expert_is_refused(model, tmp_path):
    with raises(InputError, "model.contract", stage=1, name="finishes", found=[0]):
        export_bundle(model, tmp_path / "gather.bundle", strategy="gather")


# What a model may not say.


def test_an_output_that_a_finished_image_would_lack_is_refused(model):
    class Late(Exits):
        outputs: ClassVar = {"answer": "logits", "late": "embedding"}

    with raises(InputError, "model.contract", name="late"):
        flow_of(Late())


@pytest.mark.parametrize(
    ("finishes", "code", "fields"),
    [
        ({3: [STOP]}, "model.contract", {"name": "finishes"}),
        ({0: [STOP]}, "model.contract", {"name": "finishes"}),
        ({-1: [STOP]}, "model.contract", {"name": "finishes"}),
        ({"1": [STOP]}, "model.contract", {"name": "finishes"}),
        ({1: [(5,)]}, "routing.unknown-route", {"route": [5]}),
        ({1: [(0,), (1,), (2,)]}, "model.contract", {"name": "finishes", "found": 3}),
        ({1: 0}, "model.contract", {"name": "finishes"}),
    ],
)
def test_routes_that_cannot_finish_are_refused(finishes, code, fields):
    model = make_model()
    model.finishes = finishes
    with raises(InputError, code, **fields):
        flow_of(model)


def test_a_forward_that_does_not_finish_where_the_model_says_is_refused(tmp_path):
    class Runs(Exits):
        def one(self, image, routes):
            state = self.stage(0, ())(image)
            return state if routes else {**state, "answer": state["answer"] + 1}

    torch.manual_seed(3)
    with raises(CheckFailedError, "check.failed", target="onnx", graph="step1_e1"):
        export_bundle(Runs().eval(), tmp_path / "runs.bundle")
    assert not (tmp_path / "runs.bundle").exists()


def test_a_graph_with_its_routers_inside_runs_all_stages():
    with raises(InputError, "export.graph-refused", name="finishes"):
        make_stages(make_model(), "gather", routers="in-graph")
