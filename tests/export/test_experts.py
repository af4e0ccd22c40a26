"""The strategy `experts`: from a model's experts and joins to answers on every target."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_export import export_bundle
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.parity.soundness import require_sound
from mvmoe_export.stages import make_stages

TOLERANCE = {"onnx": 1e-5, "executorch": 1e-5, "coreml": 2e-2}
"""Relative to the largest answer; Core ML's default is fp16."""


@pytest.fixture
def split(zoo):
    """Makes a model of two experts of four at each of two stages, with changes."""

    def make(changes=None, **sizes):
        kind = type("Changed", (zoo.Foreign,), changes or {})
        return zoo.enliven(kind(**{"experts": 4, "k": 2, "stages": 2} | sizes))

    return make


def answers(path, target, images, **options):
    """The answers of a bundle for images together and one by one."""
    with Dispatcher.open(path, target, threads=1, **options) as dispatcher:
        together = dispatcher.run(images)["answer"]
        return together, np.concatenate([dispatcher.run(image[None])["answer"] for image in images])


def test_an_expert_has_one_graph_and_a_stage_one_that_joins(split):
    stages = make_stages(split(), "experts")
    names = [graph.name for _, graph in stages.graphs]
    experts = [f"step{step}_{name}" for step in (1, 2) for name in ("e0", "e1", "e2", "e3", "join")]
    assert names == ["stem", *experts]
    of_step = {graph.name: graph for graph in stages.specs[1].graphs}
    assert list(of_step["step1_e0"].inputs) == ["tokens"]
    assert list(of_step["step1_e0"].outputs) == ["output"]
    slots = ["slot0_output", "slot1_output"]
    assert list(of_step["step1_join"].inputs) == ["tokens", *slots, "gates"]
    assert list(of_step["step1_join"].outputs) == ["next_tokens", "logits"]
    # The stem, all experts of both steps, and a join for each: the last one gives the answer.
    assert [len(group.members) for group in stages.groups] == [1, 8, 1, 1]


def test_forty_five_routes_are_eleven_graphs(split):
    stages = make_stages(split(experts=10, stages=1), "experts")
    assert len(stages.specs[1].graphs) == 11
    assert len(make_stages(split(experts=10, stages=1)).specs[1].graphs) == 45


@pytest.mark.parametrize("target", list(TOLERANCE))
@pytest.mark.parametrize("rule", [TopK(experts=4, k=2), TopP(experts=4, p=0.6, k_max=3)], ids=repr)
def test_every_target_answers_as_pytorch_does(split, tmp_path, target, rule):
    model = split()
    model.routing = (rule,) * 2
    path = tmp_path / "a.bundle"
    export_bundle(model, path, targets=[target], strategy="experts")
    bundle = Bundle.open(path)
    verify_against_model(bundle, model).require_ok()
    verify_bundle(bundle).require_ok()
    sizes = bundle.target(target).sizes
    assert all(size > 0 for row in sizes.expert_bytes for size in row)
    images = bundle.golden()["image"]
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    for found in answers(path, target, images, max_resident_experts=1):
        bound = TOLERANCE[target] * np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def test_the_model_of_the_documentation_has_experts(doc_blocks, zoo, export, assert_answers):
    scope: dict[str, object] = {}
    (block,) = (block for block in doc_blocks if "def join" in block)
    for code in (doc_blocks[0], block):
        exec(compile(code, "own_model.md", "exec"), scope)
    model = zoo.enliven(scope["SplitConvMoE"](experts=5, k=3), seed=1)
    assert_answers(export(model, strategy="experts"), model)


class Widths(nn.ModuleList):
    """Experts of four kinds: a layer, a low-rank change, the input itself, nothing at all."""

    def __init__(self, width=16):
        low = nn.Sequential(nn.Linear(width, 2, bias=False), nn.Linear(2, width, bias=False))
        super().__init__([nn.Linear(width, width), low, nn.Identity(), Nothing()])


class Nothing(nn.Module):
    def forward(self, tokens):
        return torch.zeros_like(tokens)


@pytest.mark.parametrize("target", list(TOLERANCE))
def test_an_expert_may_be_any_module(split, tmp_path, target):
    model = split(stages=1)
    model.experts[0] = Widths()
    path = tmp_path / "a.bundle"
    export_bundle(model, path, targets=[target], strategy="experts")
    images = Bundle.open(path).golden()["image"]
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    for found in answers(path, target, images):
        bound = TOLERANCE[target] * np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


RULES = st.one_of(
    st.builds(TopK, experts=st.just(3), k=st.integers(1, 3), renormalize=st.booleans()),
    st.builds(TopP, experts=st.just(3), p=st.floats(0, 0.95), k_max=st.integers(1, 3)),
    st.builds(Threshold, experts=st.just(3), thresholds=st.tuples(*[st.floats(-0.5, 0.5)] * 3)),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rules=st.lists(RULES, min_size=1, max_size=2), batch=st.integers(1, 3), data=st.data())
def test_experts_answer_as_dispatch_and_as_pytorch(
    zoo, tmp_path_factory, shared_templates, *, rules, batch, data
):
    model = zoo.Foreign(experts=3, stages=len(rules))
    model.routing = tuple(rules)
    model = zoo.enliven(model, seed=data.draw(st.integers(0, 1000)))
    images = np.random.default_rng(0).standard_normal((7, 1, 8, 8), dtype=np.float32)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    for strategy in ("experts", "dispatch"):
        path = tmp_path_factory.mktemp("random") / "a.bundle"
        export_bundle(model, path, strategy=strategy, batch=batch)
        for found in answers(path, "onnx", images):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def refusal(model, kind=InputError, strategy="experts"):
    with pytest.raises(kind) as caught:
        require_sound(make_stages(model, strategy))
    assert caught.value.code in ("model.contract", "model.unsound")
    return str(caught.value)


def test_a_model_without_experts_of_its_own_is_told_what_to_write(doc_blocks):
    scope: dict[str, object] = {}
    exec(compile(doc_blocks[0], "own_model.md", "exec"), scope)
    message = refusal(scope["ConvMoE"]())
    assert "ConvMoE has no methods expert(stage, index) and join(stage, count)" in message


def test_experts_between_which_attention_is_shared_are_refused(vmoe):
    message = refusal_without_code(vmoe())
    assert "2 MoE layers stand behind one router, with attention between them" in message


def refusal_without_code(model):
    with pytest.raises(InputError) as caught:
        make_stages(model, "experts")
    return str(caught.value)


class Halved(nn.Module):
    def __init__(self, expert):
        super().__init__()
        self.expert = expert

    def forward(self, tokens):
        return self.expert(tokens) / 2


def test_an_expert_that_does_something_else_is_refused_with_its_figures(split):
    def expert(self, stage, index):
        own = self.experts[stage - 1][index]
        return Halved(own) if (stage, index) == (2, 3) else own

    message = refusal(split({"expert": expert}), CheckFailedError)
    assert "Changed.expert(2, ...) of the experts [0, 3] and Changed.join(2, 2)" in message
    assert "give otherwise than Changed.stage(2, (0, 3))" in message
    assert "of the largest value (bound 1e-05)" in message


def test_a_join_that_forgets_the_gates_is_refused(split, zoo):
    class Ungated(zoo.Join):
        def forward(self, tokens, *outputs_and_gates):
            *outputs, gates = outputs_and_gates
            return super().forward(tokens, *outputs, torch.ones_like(gates))

    message = refusal(
        split({"join": lambda self, stage, count: Ungated(self, stage)}), CheckFailedError
    )
    assert "give otherwise than Changed.stage(1, (0, 1))" in message


def test_a_join_in_which_an_expert_counts_without_a_gate_is_refused(split, zoo):
    class Average(zoo.Join):
        def forward(self, tokens, *outputs_and_gates):
            *outputs, gates = outputs_and_gates
            return super().forward(tokens + 1e-2 * len(outputs), *outputs, gates)

    model = split({"join": lambda self, stage, count: Average(self, stage)}, stages=1)
    assert "an expert with the gate 0 must change nothing" in refusal(model, CheckFailedError)


def test_experts_that_give_different_tensors_are_refused(split):
    def expert(self, stage, index):
        return nn.Linear(16, 8) if index == 1 else self.experts[stage - 1][index]

    message = refusal(split({"expert": expert}))
    assert "expert 1 of stage 1 of Changed gives output [1, 8], where the first gives" in message


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda self, one, other: one, "takes one, other; expected some of the tensors"),
        (lambda self: torch.zeros(1, 16), "takes nothing; expected some of the tensors"),
        (lambda self, tokens: [tokens], "gives list; the contract expects a tensor, or a dict"),
        (lambda self, tokens: tokens[0], "the contract expects [1, ...]"),
        (lambda self, tokens: tokens.double(), "of type float64; the contract expects float32"),
        (lambda self, tokens: {"Out": tokens}, "gives a tensor of the name 'Out'"),
    ],
)
def test_an_expert_that_breaks_the_contract_is_refused(split, forward, words):
    kind = type("Odd", (nn.Module,), {"forward": forward})
    assert words in refusal(split({"expert": lambda self, stage, index: kind()}))


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda self, one, *given: one, None),
        (
            lambda self, one, other, *given: one,
            "takes one, other; expected some of the tensors that its stage takes",
        ),
        (lambda self, gates: gates, "takes gates; expected some of the tensors"),
        (lambda self, tokens, a, b, gates: gates, "where model.stage(1, (0, 1)) gives"),
    ],
)
def test_a_join_that_breaks_the_contract_is_refused(split, forward, words):
    kind = type("Odd", (nn.Module,), {"forward": forward})
    model = split({"join": lambda self, stage, count: kind()})
    assert (words or "gives [[1, 16]], where model.stage(1, (0, 1)) gives") in refusal(model)


def test_a_tensor_with_the_name_of_a_slot_is_refused(zoo):
    class Stem(zoo.Stem):
        def forward(self, images):
            tokens, logits = super().forward(images)
            return {"slot0_output": tokens, "logits": logits}

    class Step(zoo.Step):
        def forward(self, slot0_output, gates):
            return {"answer": super().forward(slot0_output, gates)}

    class Slotted(zoo.Foreign):
        def stage(self, index, route):
            return Step(self, index, route) if index else Stem(self)

    assert "takes a tensor of the name slot0_output" in refusal(Slotted(experts=2))


@pytest.mark.parametrize("name", ["step1_e1", "step1_join"])
def test_the_guard_names_the_graph_that_differs(split, tmp_path, monkeypatch, name):
    """A graph whose weights are others than its module's."""
    model = split(stages=1)
    make = make_stages

    def changed(*given, **options):
        stages = make(*given, **options)
        for _, graph in stages.graphs:
            if graph.name == name:
                object.__setattr__(
                    graph, "build", partial(lambda build: Louder(build()), graph.build)
                )
        return stages

    monkeypatch.setattr("mvmoe_export.bundling.make_stages", changed)
    with pytest.raises(CheckFailedError) as caught:
        export_bundle(model, tmp_path / "a.bundle", strategy="experts")
    assert caught.value.fields["graph"] == name
    assert not (tmp_path / "a.bundle").exists()


class Louder(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        given = self.module(*inputs)
        return given * 1.01
