"""What holds of every rule: the built-in ones, and one whose routes have different lengths."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from top_p import TopP

from mvmoe_deploy.errors import RoutingError
from mvmoe_deploy.routing import gates_of
from mvmoe_deploy.routing.contract import GraphRule, members_of, route_of, softmax
from mvmoe_deploy.routing.top_k import TopK

# Two exps and two orders of summation, each within a few units in the last place.
TORCH_TOLERANCE = 1e-6


def top_k(experts, draw):
    return TopK(experts=experts, k=draw(st.integers(1, experts)), renormalize=draw(st.booleans()))


def top_p(experts, draw):
    most = draw(st.integers(1, experts))
    return TopP(experts=experts, most=most, share=draw(st.floats(0.05, 0.95)))


@st.composite
def cases(draw, elements=None):
    """A rule, logits `[B, E]` for it, and one of its routes."""
    experts = draw(st.integers(1, 8))
    rule = draw(st.sampled_from([top_k, top_p]))(experts, draw)
    values = st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-300, 300, width=32))
    shape = (draw(st.integers(1, 5)), experts)
    logits = draw(hnp.arrays(np.float32, shape, elements=values if elements is None else elements))
    return rule, logits, draw(st.sampled_from(list(rule.routes())))


@given(cases())
def test_a_rule_gives_routes_of_its_own(case):
    rule, logits, _ = case
    members, gates = rule.select(logits)
    assert members.shape == gates.shape == logits.shape
    assert members.dtype == bool
    assert gates.dtype == np.float32
    assert all(rule.contains(route_of(row)) for row in members)
    assert members.sum(axis=1).max() <= rule.longest
    assert not gates[~members].any()


@given(cases())
def test_routes_are_counted_listed_once_and_recognised(case):
    rule, _, _ = case
    routes = list(rule.routes())
    assert len(set(routes)) == len(routes) == rule.count()
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(rule.experts), length) for length in range(rule.experts + 1)
    )
    assert set(routes) == {route for route in subsets if rule.contains(route)}
    assert not rule.contains((*routes[0], rule.experts))
    assert max(map(len, routes)) == rule.longest


@given(cases(), st.data())
def test_a_cover_has_the_experts_it_was_asked_for(case, data):
    rule, _, _ = case
    wanted = data.draw(st.sets(st.integers(0, rule.experts - 1)))
    routes = list(rule.cover(wanted))
    assert all(rule.contains(route) for route in routes)
    assert wanted <= {expert for route in routes for expert in route}
    assert len(routes) <= len(wanted)


@given(cases())
def test_one_image_is_routed_as_in_a_batch(case):
    rule, logits, _ = case
    for row, members, gates in zip(logits, *rule.select(logits), strict=True):
        one, one_gates = rule.select_one(row)
        assert one == route_of(members)
        assert {type(expert) for expert in one} == {int}
        assert {type(gate) for gate in one_gates} == {float}
        # One unit in the last place: NumPy's exp and the C library's may differ in double.
        np.testing.assert_array_max_ulp(np.float32(one_gates), gates[members], maxulp=1)


@given(cases())
def test_one_formula_gives_the_gates_of_selected_and_imposed_routes(case):
    rule, logits, _ = case
    members, gates = rule.select(logits)
    np.testing.assert_array_equal(rule.gates(members, logits), gates)
    for row, inside, wanted in zip(logits, members, gates, strict=True):
        assert list(gates_of(route_of(inside), row, rule)) == wanted[inside].tolist()


@given(cases())
def test_an_imposed_route_has_finite_gates_where_scores_underflow_too(case):
    rule, logits, route = case
    gates = rule.gates(members_of([route] * len(logits), rule.experts), logits)
    assert np.isfinite(gates).all()
    assert (gates >= 0).all()


@given(cases(), st.randoms(use_true_random=False))
def test_an_image_is_routed_alone_as_in_any_batch(case, random):
    rule, logits, _ = case
    order = list(range(len(logits)))
    random.shuffle(order)
    members, gates = rule.select(logits)
    shuffled_members, shuffled_gates = rule.select(logits[order])
    np.testing.assert_array_equal(shuffled_members, members[order])
    np.testing.assert_array_equal(shuffled_gates, gates[order])
    alone = rule.select(logits[:1])
    np.testing.assert_array_equal(alone[0], members[:1])
    np.testing.assert_array_equal(alone[1], gates[:1])


@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.randoms(use_true_random=False))
def test_one_logit_that_is_not_finite_is_an_error_that_names_it(case, bad, random):
    rule, logits, route = case
    image, expert = random.randrange(len(logits)), random.randrange(rule.experts)
    logits = logits.copy()
    logits[image, expert] = bad
    with pytest.raises(RoutingError, match=rf"not finite for image {image} .*expert {expert}"):
        rule.select(logits)
    with pytest.raises(RoutingError, match=rf"not finite .*expert {expert}"):
        rule.select_one(logits[image])
    with pytest.raises(RoutingError, match=rf"not finite .*expert {expert}"):
        gates_of(route, logits[image], rule)


@pytest.mark.parametrize("rule", [TopK(experts=4, k=2), TopP(experts=4, most=2, share=0.5)])
def test_one_image_needs_a_logit_for_each_expert(rule):
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        rule.select_one(np.zeros(3, np.float32))
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        rule.select(np.zeros((1, 3), np.float32))


# Scores far below the best underflow and tie, whatever the margin of their logits.
VISIBLE = st.floats(-20, 20, width=32)


@given(cases(elements=VISIBLE), st.floats(0, 3), st.integers(0, 2**31))
def test_less_than_half_of_the_margin_flips_no_route(case, share, seed):
    rule, logits, _ = case
    margins = rule.margins(logits)
    assert margins.shape == (len(logits),)
    assert margins.dtype == np.float64
    reach = np.minimum(share, 0.49 * margins)[:, None] - 1e-4  # what fp32 scores cannot show
    noise = np.random.default_rng(seed).uniform(-1, 1, logits.shape) * np.maximum(reach, 0)
    moved = (logits + noise).astype(np.float32)
    still = rule.select(moved)[0] == rule.select(logits)[0]
    assert (still.all(axis=1) | (reach[:, 0] <= 0)).all()


@given(cases())
def test_the_form_for_pytorch_gives_the_same_gates(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    for members in (rule.select(logits)[0], members_of([route] * len(logits), rule.experts)):
        found = rule.torch_gates(torch.from_numpy(members), torch.from_numpy(logits))
        np.testing.assert_allclose(
            found.numpy(), rule.gates(members, logits), rtol=0, atol=TORCH_TOLERANCE
        )


@given(cases(elements=st.integers(-20, 20).map(float)))
def test_the_form_inside_of_a_graph_gives_the_same_routes_and_gates(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    if not isinstance(rule, GraphRule):
        return
    logits = logits + np.arange(rule.experts, dtype=np.float32) / 64  # no ties
    imposed = rule.graph_gates(torch.tensor(route), torch.from_numpy(logits)).numpy()
    wanted = rule.gates(members_of([route] * len(logits), rule.experts), logits)
    np.testing.assert_allclose(imposed, wanted[:, list(route)], rtol=0, atol=TORCH_TOLERANCE)
    routes, gates = rule.graph_select(torch.from_numpy(logits))
    members, wanted = rule.select(logits)
    if all(len(set(row)) == len(row) for row in softmax(logits).tolist()):
        assert list(map(tuple, routes.tolist())) == list(map(route_of, members))
    taken = np.take_along_axis(wanted, routes.numpy(), axis=1)
    np.testing.assert_allclose(gates.numpy(), taken, rtol=0, atol=TORCH_TOLERANCE)


@given(cases(elements=VISIBLE))
def test_the_form_for_pytorch_has_finite_gradients(case):
    torch = pytest.importorskip("torch")
    rule, logits, route = case
    members = torch.from_numpy(members_of([route] * len(logits), rule.experts))
    given_logits = torch.from_numpy(logits).requires_grad_()
    (rule.torch_gates(members, given_logits) ** 2).sum().backward()
    assert torch.isfinite(given_logits.grad).all()


@given(cases())
def test_a_rule_has_words(case):
    rule, _, _ = case
    assert str(rule.experts) in rule.describe()
    assert len(rule.describe()) < 100
