"""Which graphs a strategy makes, what they take and give, and what is refused."""

import pytest
import torch

from mvmoe_deploy.errors import InputError
from mvmoe_export.stages import make_stages


def names(stages):
    return [graph.name for _, graph in stages.graphs]


def shapes(stage):
    return {
        name: (list(tensor.shape), tensor.dtype) for name, tensor in stage.graphs[0].inputs.items()
    }


F32, I64 = torch.float32, torch.int64


def test_dispatch_has_a_graph_for_each_route(zoo):
    stages = make_stages(zoo.Foreign(experts=3, k=2), batch=4)
    assert names(stages) == ["stem", "step1_e0_e1", "step1_e0_e2", "step1_e1_e2"]
    stem, step = stages.specs
    assert shapes(stem) == {"image": ([4, 1, 8, 8], F32)}
    assert shapes(step) == {"tokens": ([4, 16], F32), "gates": ([4, 2], F32)}
    assert (stem.outputs, step.outputs) == (("tokens", "logits"), ("answer",))
    assert stages.graph(1, (0, 2)).name == "step1_e0_e2"


def test_gather_has_one_graph_for_each_stage(zoo):
    stages = make_stages(zoo.Foreign(experts=3, k=2, stages=2), "gather")
    assert names(stages) == ["stem", "step1_gather", "step2_gather"]
    assert shapes(stages.specs[2]) == {
        "tokens": ([1, 16], F32),
        "gates": ([1, 2], F32),
        "experts": ([1, 2], I64),
    }
    assert stages.graph(1, (0, 2)) is stages.graph(1, (1, 2))


def test_all_experts_takes_a_gate_for_each_expert(zoo):
    stages = make_stages(zoo.Foreign(experts=3), "all-experts", batch=2)
    assert names(stages) == ["stem", "step1_all_experts"]
    assert shapes(stages.specs[1])["gates"] == ([2, 3], F32)


def test_dense_model_is_one_graph(vmoe):
    from mvmoe_deploy.models.families.vit import ViT

    (stem,) = make_stages(ViT(vmoe().config.dense())).specs
    assert (stem.rule, stem.outputs) == (None, ("answer",))


def test_stages_share_the_models_parameters(zoo):
    model = zoo.Foreign(experts=3)
    known = {parameter.data_ptr() for parameter in model.parameters()}
    for _, graph in make_stages(model).graphs:
        assert {parameter.data_ptr() for parameter in graph.build().parameters()} <= known


def test_example_tokens_lie_in_memory_as_a_runners_do(zoo):
    class Turned(zoo.Stem):
        def forward(self, images):
            tokens, logits = super().forward(images)
            return tokens.t().contiguous().t(), logits

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return zoo.Step(self, index, route) if index else Turned(self)

    assert make_stages(Model(), batch=3).specs[1].graphs[0].inputs["tokens"].is_contiguous()


def stem_that_gives(zoo, change):
    class Stem(zoo.Stem):
        def forward(self, images):
            return change(*super().forward(images))

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return zoo.Step(self, index, route) if index else Stem(self)

    return Model()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tokens, logits: tokens, "gives Tensor; the contract expects (tokens, logits)"),
        (lambda t, logits: (t, logits, t), "gives tuple; the contract expects (tokens, logits)"),
        (lambda t, logits: (t, logits[:, :2]), "gives logits [2, 2]; the contract expects [2, 3]"),
        (lambda t, logits: (t[:1], logits), "gives tokens [1, 16]; the contract expects [2, ...]"),
        (lambda t, logits: (t[:, 0], logits), "gives tokens [2]; the contract expects [2, ...]"),
    ],
)
def test_a_stem_that_breaks_the_contract(zoo, change, told):
    with pytest.raises(InputError) as caught:
        make_stages(stem_that_gives(zoo, change), batch=2)
    assert caught.value.code == "model.contract"
    assert told in str(caught.value)
    assert str(caught.value).startswith("stage 0 of Model gives")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda answer: (answer, answer),
            "gives tuple; the contract expects the answer of the last",
        ),
        (lambda answer: answer.flatten(), "gives answer [10]; the contract expects [2, ...]"),
        (
            lambda answer: answer[..., None],
            "the shape [classes] behind the batch, but [5, 1] was given",
        ),
    ],
)
def test_a_last_stage_that_breaks_the_contract(zoo, change, told):
    class Step(zoo.Step):
        def forward(self, tokens, gates):
            return change(super().forward(tokens, gates))

    class Model(zoo.Foreign):
        def stage(self, index, route):
            return Step(self, index, route) if index else zoo.Stem(self)

    with pytest.raises(InputError) as caught:
        make_stages(Model(), batch=2)
    assert caught.value.code == "model.contract"
    assert told in str(caught.value)
