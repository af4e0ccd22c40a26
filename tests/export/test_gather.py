"""Gathered experts against the stages that they stand for, in PyTorch alone."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mvmoe_deploy.errors import InputError
from mvmoe_export.gather import GatheredExperts


def assert_gathers(model, index=1):
    gathered = GatheredExperts(model, index).eval()
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
    gathered = GatheredExperts(zoo.Foreign(experts=3, k=2), 1)
    assert set(gathered.slots) == {
        f"experts.{slot}.{layer}.{kind}"
        for slot, layer, kind in itertools.product((0, 1), (0, 2), ("weight", "bias"))
    }
    assert all(stack.shape[0] == 3 for stack in gathered.stacked.values())


def test_experts_of_other_shapes_are_refused(zoo):
    with pytest.raises(InputError, match=r"equal shapes, but experts\.0\.0\.weight differs"):
        GatheredExperts(zoo.Different(), 1)


def test_experts_with_other_parameters_are_refused(zoo):
    class Uneven(zoo.Foreign):
        def make_expert(self, expert):
            return torch.nn.Linear(16, 16, bias=expert != 2)

    with pytest.raises(InputError, match="the same parameters; this model's differ"):
        GatheredExperts(Uneven(), 1)
