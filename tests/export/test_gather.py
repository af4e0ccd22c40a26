"""Gathered experts against the stages that they stand for, in PyTorch alone."""

import itertools
from functools import partial

import pytest
import torch
from expected_errors import raises
from hypothesis import given, settings
from hypothesis import strategies as st

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export import export_bundle
from mvmoe_export.stages import make_stages


def gathered_experts(model, index=1):
    """The module of the only graph of a stage."""
    rule = model.routing[index - 1]
    (graph,) = find_strategy("gather").graphs(rule)
    return find_strategy("gather").module(rule, graph, partial(model.stage, index)).eval()


def assert_gathers(model, index=1):
    gathered = gathered_experts(model, index)
    rule = model.routing[index - 1]
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(1, 16, generator=generator)
    gates = torch.rand(1, rule.k, generator=generator)
    for route in itertools.combinations(range(rule.experts), rule.k):
        with torch.no_grad():
            wanted = model.stage(index, route).eval()(tokens, gates)
            given = gathered(tokens, gates, torch.tensor([route]))
        wanted, given = (out if isinstance(out, tuple) else (out,) for out in (wanted, given))
        for one, other in zip(wanted, given, strict=True):
            # The same operators on the same numbers: no rounding between them.
            assert torch.equal(one, other), route


@settings(max_examples=20)
@given(experts=st.integers(1, 5), data=st.data())
def test_every_route_gathers_its_own_weights(zoo, experts, data):
    k = data.draw(st.integers(1, experts))
    stages = data.draw(st.integers(1, 2))
    model = zoo.enliven(zoo.Foreign(experts=experts, k=k, stages=stages))
    for index in range(1, stages + 1):
        assert_gathers(model, index)


@pytest.mark.parametrize("kind", ["Normed", "Stacked", "Tied"])
def test_buffers_slices_and_tied_experts_are_gathered(zoo, kind):
    assert_gathers(zoo.enliven(getattr(zoo, kind)()))


def test_experts_may_be_tied_in_another_slot_order(zoo):
    model = zoo.Foreign(experts=4, k=2)
    model.experts[0][3] = model.experts[0][0]
    assert_gathers(zoo.enliven(model))


def test_only_what_depends_on_the_expert_is_stacked(zoo):
    gathered = gathered_experts(zoo.Foreign(experts=3, k=2))
    assert set(gathered.slots) == {
        f"experts.{slot}.{layer}.{kind}"
        for slot, layer, kind in itertools.product((0, 1), (0, 2), ("weight", "bias"))
    }
    assert all(stack.shape[0] == 3 for stack in gathered.stacked.values())


def test_experts_of_other_shapes_are_refused(zoo):
    with raises(InputError, "model.contract", name="experts.0.0.weight"):
        gathered_experts(zoo.Different())


def test_experts_with_other_parameters_are_refused(zoo):
    class Uneven(zoo.Foreign):
        def make_expert(self, expert):
            return torch.nn.Linear(16, 16, bias=expert != 2)

    with raises(InputError, "model.contract", name="parameters"):
        gathered_experts(Uneven())


class Clip(torch.nn.Module):
    def __init__(self, bound):
        super().__init__()
        self.bound = bound

    def forward(self, tokens):
        return tokens.clamp(max=self.bound)


class Scale(torch.nn.Module):
    """A scale that is no buffer: a tensor, or a list of them."""

    def __init__(self, expert, several=False):
        super().__init__()
        scale = torch.full((16,), 1.0 + expert)
        self.scale = [scale, scale + 1] if several else scale

    def forward(self, tokens):
        scales = self.scale if isinstance(self.scale, list) else [self.scale]
        return sum(tokens * scale for scale in scales)


class Folded(torch.nn.Module):
    """A buffer that forward reads as a Python number."""

    def __init__(self, expert):
        super().__init__()
        self.power = 2 + expert
        self.register_buffer("scale", torch.tensor(0.5 + expert), persistent=False)

    def forward(self, tokens):
        return (tokens * self.scale.item()).abs() ** self.power


UNLIKE = {
    "clip bounds": lambda expert: Clip(3.0 - 0.5 * (expert == 2)),
    "alpha of an ELU": lambda expert: torch.nn.ELU(1.0 + 0.25 * expert),
    "eps of a norm": lambda expert: torch.nn.LayerNorm(16, eps=1e-5 * (1 + expert)),
    "a tensor": Scale,
    "a list of tensors": lambda expert: Scale(expert, several=True),
    "a number out of a buffer": Folded,
    "an activation": lambda expert: torch.nn.Tanh() if expert else torch.nn.Sigmoid(),
}


@pytest.mark.parametrize("kind", UNLIKE)
@pytest.mark.parametrize("k", [1, 2])
def test_experts_that_differ_in_more_than_weights_are_refused(zoo, tmp_path, kind, k):
    class Unlike(zoo.Foreign):
        def make_expert(self, expert):
            layers = torch.nn.Linear(16, 16), UNLIKE[kind](expert), torch.nn.Linear(16, 16)
            return torch.nn.Sequential(*layers)

    model = zoo.enliven(Unlike(experts=3, k=k))
    with raises(InputError, "model.contract", stage=1) as error:
        export_bundle(model, tmp_path / "a.bundle", strategy="gather")
    assert "computes otherwise than" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_difference_is_named(zoo):
    class Unlike(zoo.Foreign):
        def make_expert(self, expert):
            return torch.nn.Sequential(torch.nn.Linear(16, 16), Clip(3.0 - 0.5 * (expert == 2)))

    with raises(InputError, "model.contract", stage=1) as caught:
        make_stages(Unlike(), "gather")
    assert "aten.clamp.default with 3.0 against 2.5" in caught.value.fields["found"]


@pytest.mark.parametrize("strategy", ["dispatch", "all-experts"])
def test_other_strategies_keep_each_experts_numbers(zoo, export, assert_answers, strategy):
    class Unlike(zoo.Foreign):
        def make_expert(self, expert):
            return torch.nn.Sequential(torch.nn.Linear(16, 16), Clip(0.5 - 0.4 * expert))

    model = zoo.enliven(Unlike())
    assert_answers(export(model, strategy=strategy), model)


def test_numbers_that_are_equal_are_gathered(zoo, export, assert_answers):
    class Alike(zoo.Foreign):
        def make_expert(self, expert):
            return torch.nn.Sequential(torch.nn.Linear(16, 16), Clip(0.5), torch.nn.Dropout(0.1))

    model = zoo.enliven(Alike())
    assert_answers(export(model, strategy="gather"), model)
