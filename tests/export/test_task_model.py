"""A model whose caller chooses its routes: exported, verified, run, and held to PyTorch."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from expected_errors import raises
from task_moe import TaskMoE, TaskStep

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.runtime.tracing import TracingDispatcher
from mvmoe_export import Identity, export_bundle
from mvmoe_export.parity.pytorch import verify_against_model

ROUTES = {"depth": (0, 1), "segment": (2,)}


def make_model():
    torch.manual_seed(0)
    return TaskMoE().eval()


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    """Two images at a time."""
    path = tmp_path_factory.mktemp("task") / "task.bundle"
    export_bundle(model, path, batch=2, identity=Identity(name="task"))
    return path


@pytest.fixture
def dispatcher(path):
    with Dispatcher.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def images(model):
    generator = np.random.default_rng(5)
    return generator.standard_normal((7, *model.input.shape), dtype=np.float32)


def wanted(model, images, task, power=None):
    """PyTorch's answers, image by image: its router decides on the power unless it is given."""
    answers = []
    with torch.no_grad():
        for image in torch.from_numpy(images)[:, None]:
            maps = model.patches(image)
            _, logits = model.stage(1, ROUTES[task])(maps, torch.ones(1, 2)).values()
            route = (0,) if power else (int(logits.argmax()),)
            answers.append(model(image, (ROUTES[task], route)))
    return torch.cat(answers).numpy()


@pytest.mark.parametrize("task", ["depth", "segment"])
@pytest.mark.parametrize("power", [None, "low"])
def test_a_batch_takes_the_route_that_its_caller_names(dispatcher, model, images, task, power):
    given = dispatcher.run(images, task=task, power=power)["answer"]
    np.testing.assert_allclose(given, wanted(model, images, task, power), atol=1e-5)
    one = dispatcher.run(images[:1], task=task, power=power)["answer"]
    np.testing.assert_allclose(one, given[:1], atol=1e-6)


def test_an_answer_says_which_route_it_took(dispatcher):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    found = dispatcher.predict(pixels, task="depth", power="low")
    assert found.routes == ((0, 1), (0,))
    assert found.stage_gates[0] == (1.0, 1.0)
    assert 0 < found.stage_gates[1][0] < 1


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({}, "routing.choice-missing"),
        ({"power": "low"}, "routing.choice-missing"),
        ({"task": "paint"}, "routing.choice-unknown"),
        ({"task": "depth", "power": "high"}, "routing.choice-unknown"),
        ({"task": "depth", "mood": "good"}, "routing.no-such-choice"),
    ],
)
def test_a_wrong_choice_is_refused_before_anything_runs(dispatcher, images, choices, code):
    for ask in (dispatcher.run, lambda batch, **given: dispatcher.predict("no file", **given)):
        with pytest.raises(InputError, check=lambda error: error.code == code) as caught:
            ask(images, **choices)
        assert caught.value.exit_code == 2


def test_golden_images_take_what_may_be_chosen_in_turn(dispatcher):
    golden = dispatcher.bundle.golden()
    tasks = [route_of(row) for row in golden["members.1"]]
    assert tasks == [(0, 1), (2,)] * (len(tasks) // 2)
    assert {route_of(row) for row in golden["members.2"][::2]} == {(0,)}  # the power is given
    assert golden["gates.1"].tolist() == golden["members.1"].tolist()
    assert "logits.1" not in golden
    assert dispatcher.check().ok


def test_every_route_is_verified(path, model, images):
    with Dispatcher.open(path) as opened:
        report = verify_against_model(opened.bundle, model)
    assert report.ok
    (target,) = report.targets.values()
    looked_at = {(route.stage, route.route) for route in target.per_route if route.outputs}
    assert looked_at == {(1, (0, 1)), (1, (2,)), (2, (0,)), (2, (1,)), (2, (2,))}


def test_a_trace_imposes_a_route_as_its_caller_does(path, images):
    image = images[:1]
    with TracingDispatcher.open(path) as opened:
        trace = opened.trace(image, [(2,), (1,)])
        assert trace.routes == ((2,), (1,))
        names = [name for name, _ in trace.laps]
        assert names.count("forced") == 1  # a chosen route is the caller's way, not a measurement's
        with pytest.raises(InputError, check=lambda e: e.code == "routing.choice-missing"):
            opened.trace(image)


@pytest.mark.parametrize("strategy", ["gather", "all-experts"])
def test_one_graph_for_all_routes_takes_a_named_one(model, images, tmp_path, strategy):
    if strategy == "gather":
        model = make_model()
        model.blocks[0] = torch.nn.Conv2d(16, 16, 3, padding=1)  # it needs experts of one shape
    export_bundle(model, tmp_path / "one.bundle", strategy=strategy)
    with Dispatcher.open(tmp_path / "one.bundle") as opened:
        assert opened.check().ok
        for task in ROUTES:
            given = opened.run(images, task=task)["answer"]
            np.testing.assert_allclose(given, wanted(model, images, task), atol=1e-5)


class StopsEarly(TaskMoE):
    """A device that saves power runs no second step: the first one has answered already."""

    finishes: ClassVar = {2: [(0,)]}

    def stage(self, index, route):
        answering = AnsweringStep(self, self.tasks, route) if index == 1 else None
        return answering or super().stage(index, route)

    def forward(self, images, routes):
        first = self.stage(1, routes[0])(self.patches(images), torch.ones(1, 3))
        if routes[1] == (0,):
            return first["answer"]
        _, gates = select(first["logits"], self.routing[1], routes[1])
        return self.stage(2, routes[1])(first["maps"], gates[:, list(routes[1])])


class AnsweringStep(TaskStep):
    def forward(self, maps, gates):
        given = super().forward(maps, gates)
        return given | {"answer": self.head(given["maps"].mean((2, 3)))}


def test_a_named_route_may_finish_an_image(images, tmp_path):
    torch.manual_seed(0)
    model = StopsEarly().eval()
    export_bundle(model, tmp_path / "early.bundle")
    with Dispatcher.open(tmp_path / "early.bundle") as opened, torch.no_grad():
        given = opened.run(images, task="depth", power="low")["answer"]
        early = model(torch.from_numpy(images), (ROUTES["depth"], (0,)))
        np.testing.assert_allclose(given, early.numpy(), atol=1e-5)
        assert opened.resident == ("step1_e0_e1",)
        assert opened.check().ok


def test_a_usage_prior_may_name_given_routes(model, tmp_path):
    prior = (
        (RouteShare((0, 1), 0.25), RouteShare((2,), 0.75)),
        (RouteShare((0,), 0.5), RouteShare((1,), 0.5)),
    )
    identity = Identity(usage_prior=prior)
    export_bundle(model, tmp_path / "prior.bundle", identity=identity, skip_verify=True)
    with Dispatcher.open(tmp_path / "prior.bundle", max_resident_experts=1) as opened:
        opened.prewarm()
        assert "step1_e2" in opened.resident


class IgnoresItsTask(TaskMoE):
    """Its forward does not follow the route that it is given."""

    def forward(self, images, routes):
        return super().forward(images, ((2,), routes[1]))


def test_a_forward_that_does_not_follow_its_caller_is_refused(tmp_path):
    torch.manual_seed(0)
    with raises(CheckFailedError, "check.failed", target="onnx", graph="step1_e0_e1") as caught:
        export_bundle(IgnoresItsTask(), tmp_path / "wrong.bundle")
    assert "forced down routes" in str(caught.value)


class TwoTables(TaskMoE):
    """Two stages with one choice of other names."""

    def __init__(self):
        super().__init__()
        task = self.routing[0]
        self.routing = (task, Given(experts=3, choice="task", named={"low": (0,)}))


def test_stages_whose_choices_contradict_each_other_are_refused(tmp_path):
    with raises(InputError, "bundle.manifest-inconsistent") as caught:
        export_bundle(TwoTables(), tmp_path / "wrong.bundle")
    assert "differ in their names" in str(caught.value)
