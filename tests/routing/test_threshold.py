"""The rule `threshold`: its definition, its rounding, its gates, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.threshold import Threshold

FEW = st.sampled_from([-1.0, 0.0, 0.5])


@st.composite
def routed_logits(draw):
    """Logits `[B, E]` and a rule for them, often with logits that are equal to a threshold."""
    experts = draw(st.integers(1, 9))
    values = st.one_of(FEW, st.floats(-30, 30, width=32))
    logits = draw(hnp.arrays(np.float32, (draw(st.integers(1, 4)), experts), elements=values))
    thresholds = tuple(draw(st.one_of(FEW, st.floats(-30, 30))) for _ in range(experts))
    return logits, Threshold(experts=experts, thresholds=thresholds)


@given(routed_logits())
def test_pytorch_selects_the_same(case):
    """In fp32, as a model that was trained so compares them."""
    torch = pytest.importorskip("torch")
    logits, rule = case
    values = torch.from_numpy(logits)
    active = values > torch.tensor(rule.thresholds, dtype=torch.float32)
    for row, inside, members in zip(values, active, rule.select(logits)[0], strict=True):
        wanted = inside.nonzero()[:, 0].tolist()
        if not wanted:
            wanted = [row.tolist().index(row.max().item())]
        assert list(route_of(members)) == wanted


def test_a_logit_equal_to_its_threshold_is_not_above_it():
    rule = Threshold(experts=2, thresholds=(0.5, 0.5))
    assert rule.select_one(np.float32([0.5, 0.75]))[0] == (1,)


def test_thresholds_are_rounded_to_fp32_before_they_are_compared():
    """0.1 in fp32 is above 0.1 in double: compared in double that expert would be active."""
    rule = Threshold(experts=2, thresholds=(0.1, 5.0))
    logits = np.float32([0.1, 1.0])
    assert float(logits[0]) > 0.1
    assert rule.select_one(logits)[0] == (1,)
    assert route_of(rule.select(logits[None])[0][0]) == (1,)


def test_without_an_active_expert_the_highest_logit_wins_and_ties_go_to_the_lowest():
    rule = Threshold(experts=3, thresholds=(9.0, 9.0, 1.0))
    assert rule.select_one(np.float32([2, 2, -3]))[0] == (0,)


def test_the_gates_are_those_of_a_mean():
    rule = Threshold(experts=4, thresholds=(0.0,) * 4)
    route, gates = rule.select_one(np.float32([1, -1, 2, 3]))
    assert route == (0, 2, 3)
    assert gates == (float(np.float32(1 / 3)),) * 3


def test_its_gates_have_a_gradient_although_they_are_constant():
    torch = pytest.importorskip("torch")
    rule = Threshold(experts=3, thresholds=(0.0,) * 3)
    logits = torch.tensor([[1.0, -1.0, 2.0]], requires_grad=True)
    gates = rule.torch_gates(logits > 0, logits)
    assert gates.tolist() == [[0.5, 0.0, 0.5]]
    (gates * torch.tensor([1.0, 1.0, -1.0])).sum().backward()
    slope = logits.detach().sigmoid() * (1 - logits.detach().sigmoid()) / 2
    wanted = slope * torch.tensor([1.0, 0.0, -1.0])
    torch.testing.assert_close(logits.grad, wanted)


@pytest.mark.parametrize("experts", [1, 3, 10])
def test_every_set_of_experts_is_a_route(experts):
    rule = Threshold(experts=experts, thresholds=(0.0,) * experts)
    assert rule.count() == 2**experts - 1 == len(list(rule.routes()))
    assert rule.longest == experts


def test_a_huge_number_of_routes_is_counted_at_once():
    assert Threshold(experts=4096, thresholds=(0.0,) * 4096).count() == 2**4096 - 1


@pytest.mark.parametrize("thresholds", [(), (1.0,), (1.0, 2.0, 3.0), (1.0, math.nan), (1e39, 0.0)])
def test_thresholds_that_are_not_one_logit_for_each_expert_are_refused(thresholds):
    with pytest.raises(InputError, check=lambda error: error.code == "routing.rule-invalid"):
        Threshold(experts=2, thresholds=thresholds)


@pytest.mark.parametrize(
    ("row", "thresholds", "expected"),
    [
        ([1.0, 2.0], (0.0, 3.0), 2.0),  # 0 stays alone down to 0, 1 enters at 3
        ([4.0, 2.0], (3.5, 4.0), 2.0),  # 0 may fall below its own and still be the highest
        ([1.0, 2.0], (0.5, 9.0), 1.0),  # 0 is alone and not the highest: it leaves at 0.5
        ([4.0, 3.5], (3.0, 3.0), 1.0),  # 1 leaves
        ([1.0, 2.5], (9.0, 9.0), 1.5),  # none is active: the order decides
        ([1.0, 5.0], (1.5, 9.0), 1.0),  # none is active: 0 enters first
        ([1.0], (3.0,), np.inf),  # the only expert is active whatever its logit
    ],
)
def test_its_margin(row, thresholds, expected):
    rule = Threshold(experts=len(row), thresholds=thresholds)
    assert rule.margins(np.float32([row])).tolist() == [expected]


def test_its_words():
    rule = Threshold(experts=2, thresholds=(0.0, 0.0))
    assert rule.describe() == "those of 2 experts above their thresholds, the best if none is"
