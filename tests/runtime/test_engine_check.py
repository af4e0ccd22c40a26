"""`Dispatcher.check`: an engine that answers rightly passes, any other is refused with figures."""

import numpy as np
import pytest

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.runtime.engine_check import Answered, check_answers
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner


class WrongEngine:
    """A runner whose graphs' outputs are changed, from the inference `begins` on."""

    def __init__(self, runner, change, begins=0):
        self.runner, self.change, self.begins = runner, change, begins
        self.stands_in_for, self.description = None, "wrong"
        self.provider = "wrong"
        self.calls = 0

    def load(self, graph):
        loaded = self.runner.load(graph)
        return WrongGraph(self, loaded)


class WrongGraph:
    def __init__(self, engine, loaded):
        self.engine, self.loaded = engine, loaded

    def bind(self, inputs, outputs):
        call = self.loaded.bind(inputs, outputs)

        def changed():
            call()
            self.engine.calls += 1
            if self.engine.calls > self.engine.begins:
                self.engine.change(outputs)

        return changed


@pytest.fixture(params=["single", "batched"])
def bundle(request):
    """One router and one image at a time, or two routers and four images."""
    return Bundle.open(request.getfixturevalue(request.param).path)


@pytest.fixture
def opened(bundle):
    """Opens a dispatcher whose engine is changed."""

    def open_with(change, begins=0):
        runner = OnnxRunner.open(bundle.path, bundle.target("onnx"), 1)
        return Dispatcher(bundle, "onnx", WrongEngine(runner, change, begins))

    return open_with


def nothing(outputs):
    return


def scaled(outputs):
    if "answer" in outputs:
        outputs["answer"] *= 1.01


def other_route(outputs):
    if "logits" in outputs:
        outputs["logits"][:] = outputs["logits"][:, ::-1].copy()


def not_finite_answer(outputs):
    if "answer" in outputs:
        outputs["answer"][0, 0] = np.nan


def not_finite_logits(outputs):
    if "logits" in outputs:
        outputs["logits"][0, 0] = np.inf


def test_an_engine_that_answers_rightly_passes(opened, bundle):
    with opened(nothing) as dispatcher:
        found = dispatcher.check()
        found.require_ok()
        again = dispatcher.check()
    assert found == again
    assert found.images == bundle.manifest.golden.images
    assert found.rerouted == found.near_ties == ()
    assert 0 < found.answer_error < found.answer_error_bound
    verified = bundle.target("onnx").parity.verification
    assert found.answer_error_bound == verified.answer_error_bound
    assert found.router_error_bound == verified.router_error_bound


@pytest.mark.parametrize("change", [scaled, other_route, not_finite_answer, not_finite_logits])
def test_an_engine_that_falls_short_is_refused_with_the_figures(opened, change):
    with opened(change) as dispatcher:
        found = dispatcher.check()
    assert not found.ok
    with pytest.raises(CheckFailedError) as caught:
        found.require_ok()
    assert caught.value.code == "check.engine"
    assert caught.value.fields["answer_error"] == found.answer_error
    if change is scaled:
        assert found.answer_error == pytest.approx(0.01, rel=0.2)
        assert found.rerouted == ()
    elif change is not_finite_answer:
        assert found.answer_error == np.inf
    else:
        assert found.rerouted and found.router_error > found.router_error_bound


def test_an_engine_that_is_right_in_its_first_inferences_only_is_found_by_a_second_check(
    opened, bundle
):
    graphs_of_a_check = len(bundle.manifest.stages) * bundle.manifest.golden.images
    with opened(scaled, begins=graphs_of_a_check) as dispatcher:
        dispatcher.check().require_ok()
        assert not dispatcher.check().ok


def answered_as(golden, rules, logits):
    """Golden images answered with other logits of the first router."""
    return [
        Answered(
            [rule.select_one(row[index])[0] for rule, row in zip(rules, [logits], strict=True)],
            [logits[index]],
            {"answer": golden["outputs.answer"][index]},
        )
        for index in range(len(logits))
    ]


def test_a_near_tie_may_take_either_route(single):
    """Two experts whose logits are nearer to each other than the engine's rounding."""
    bundle = Bundle.open(single.path)
    (rule,), target = bundle.manifest.rules, bundle.target("onnx")
    wanted = np.zeros((2, rule.experts), np.float32)
    wanted[:, 0], wanted[:, 1] = 1.0, (1.0 - 1e-6, 0.5)
    members, gates = rule.select(wanted)
    golden = {"logits.1": wanted, "members.1": members, "gates.1": gates}
    golden["outputs.answer"] = np.ones((2, 5), np.float32)
    given = wanted.copy()
    given[0, 1] += 3e-6  # less than the bound
    given[1, 1] += 1.0  # far more
    found = check_answers(golden, answered_as(golden, [rule], given), bundle.manifest, target)
    assert route_of(members[0]) == (0,)
    assert (found.near_ties, found.rerouted) == ((0,), (1,))
