"""Routing in PyTorch against its NumPy reference, for every rule."""

import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.models import gating
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP

# Scores from two implementations of exp, each within a few units in the last place.
SCORE_TOLERANCE = 1e-6

RULES = [
    *(TopK(experts=5, k=k, renormalize=kept) for k in (1, 2, 5) for kept in (False, True)),
    TopK(experts=5, k=2, unit_gates=True),
    TopP(experts=5, p=0.6, k_max=3),
    TopP(experts=5, p=0.6, k_max=3, renormalize=True),
    Threshold(experts=5, thresholds=(3.5, -1.0, 0.0, 2.0, 6.5)),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
@pytest.mark.parametrize("levels", [2, 1000])
def test_torch_selects_the_same_routes_and_gates(rule, levels):
    """With two levels nearly every image has ties."""
    logits = np.random.default_rng(0).integers(0, levels, (300, 5)).astype(np.float32) * 7 / levels
    members, gates = rule.select(logits)
    torch_members, torch_gates = gating.select(torch.from_numpy(logits), rule)
    assert torch_members.dtype == torch.bool
    np.testing.assert_array_equal(torch_members.numpy(), members)
    np.testing.assert_allclose(torch_gates.numpy(), gates, atol=SCORE_TOLERANCE)
    assert not torch_gates[~torch_members].any()


def test_gates_of_one_have_the_gradient_of_the_scores():
    """`1 + (p - stop_gradient(p))`: forward exactly 1, backward the score's own derivative."""
    logits = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    weights = torch.arange(1.0, 6.0)
    members, gates = gating.select(ours, TopK(experts=5, k=2, unit_gates=True))
    assert torch.equal(gates, members.float())
    (gates * weights).sum().backward()
    (theirs.softmax(dim=-1) * members * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-7)
    assert ours.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_gates_are_fp32_whatever_the_logits_are(dtype):
    _, gates = gating.select(torch.zeros(1, 2, dtype=dtype), TopK(experts=2))
    assert gates.dtype == torch.float32


def test_torch_selects_the_same_routes_where_logits_are_neighbours_in_fp32():
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(0, 5, (2000, 1)).astype(np.float32), 4, axis=1)
    for expert in range(1, 4):
        logits[:, expert] = np.nextafter(logits[:, expert - 1], np.float32(np.inf))
    logits = rng.permuted(logits, axis=1)
    for k in (1, 2, 3):
        rule = TopK(experts=4, k=k)
        members, _ = gating.select(torch.from_numpy(logits), rule)
        np.testing.assert_array_equal(members.numpy(), rule.select(logits)[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("route", [None, (0,)])
def test_torch_refuses_logits_that_are_not_finite(bad, route):
    with raises(RoutingError, "routing.not-finite", expert=1):
        gating.select(torch.tensor([[0.0, bad]]), TopK(experts=2), route)


def test_torch_gates_have_the_gradient_of_their_scores():
    logits = torch.tensor([[0.3, -0.2, 1.1]], requires_grad=True)
    members, gates = gating.select(logits, TopK(experts=3))
    gates.sum().backward()
    expected = torch.tensor([[0.3, -0.2, 1.1]], requires_grad=True)
    expected.softmax(-1)[0, 2].backward()
    assert members.tolist() == [[False, False, True]]
    torch.testing.assert_close(logits.grad, expected.grad)


def test_renormalized_gates_have_the_gradient_of_the_softmax_of_their_own_logits():
    logits = torch.tensor([[0.3, -0.2, 1.1]], requires_grad=True)
    _, gates = gating.select(logits, TopK(experts=3, k=2, renormalize=True))
    gates[0, 0].backward()
    own = torch.tensor([0.3, 1.1], requires_grad=True)
    own.softmax(-1)[0].backward()
    torch.testing.assert_close(logits.grad[0, [0, 2]], own.grad)
    assert logits.grad[0, 1] == 0


@pytest.mark.parametrize("route", [(0, 2), (2, 0)])
def test_an_imposed_route_keeps_the_scores_of_its_experts(route):
    logits = torch.tensor([[0.0, 1.0, 2.0], [5.0, 0.0, 0.0]])
    members, gates = gating.select(logits, TopK(experts=3), route)
    assert members.tolist() == [[True, False, True]] * 2
    torch.testing.assert_close(gates, logits.softmax(-1) * members)


def test_renormalized_gates_of_an_imposed_route_stay_finite_where_its_scores_underflow():
    logits = torch.tensor([[300.0, 0.0, 0.0]])
    _, gates = gating.select(logits, TopK(experts=3, k=2, renormalize=True), (1, 2))
    assert gates.tolist() == [[0.0, 0.5, 0.5]]
