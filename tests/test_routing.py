"""The selection rules: properties that every language must have too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.routing import (
    RouteShare,
    RoutingRule,
    check_route,
    check_usage_prior,
    gates_of,
    scores,
    select,
    select_one,
)

FP32_MAX = float(np.finfo(np.float32).max)

# Sums of at most 12 scores in fp32: 12 roundings of 6e-8 each, and some room.
SUM_TOLERANCE = 2e-6


@st.composite
def routed_logits(draw, elements=None):
    """Logits `[B, E]` and a rule for them; few distinct values, so that ties are common."""
    experts = draw(st.integers(1, 12))
    shape = (draw(st.integers(1, 5)), experts)
    values = st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-30, 30, width=32))
    logits = draw(hnp.arrays(np.float32, shape, elements=values if elements is None else elements))
    rule = RoutingRule(
        experts=experts, k=draw(st.integers(1, experts)), renormalize=draw(st.booleans())
    )
    return logits, rule


def selected_by_definition(row, k):
    """The rule in words: best score first, the lower expert of equals."""
    ranked = sorted(range(len(row)), key=lambda expert: (-row[expert], expert))
    return sorted(ranked[:k])


@given(routed_logits())
def test_scores_are_positive_and_sum_to_one(case):
    logits, _ = case
    probabilities = scores(logits)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=SUM_TOLERANCE)


@given(routed_logits())
def test_routes_are_k_distinct_experts_in_ascending_order(case):
    logits, rule = case
    routes, gates = select(logits, rule)
    assert routes.shape == gates.shape == (len(logits), rule.k)
    assert routes.dtype == np.int64
    assert gates.dtype == np.float32
    assert (np.diff(routes, axis=-1) > 0).all()
    assert routes.min() >= 0
    assert routes.max() < rule.experts


@given(routed_logits())
def test_selection_follows_its_definition(case):
    logits, rule = case
    routes, _ = select(logits, rule)
    expected = [selected_by_definition(row, rule.k) for row in scores(logits)]
    assert routes.tolist() == expected


@given(routed_logits())
def test_gates_are_the_scores_of_the_route(case):
    logits, rule = case
    routes, gates = select(logits, rule)
    kept = np.take_along_axis(scores(logits), routes, axis=-1)
    if rule.renormalize:
        wide = kept.astype(np.float64)
        kept = (wide / wide.sum(axis=-1, keepdims=True)).astype(np.float32)
    np.testing.assert_array_equal(gates, kept)


@given(routed_logits())
def test_one_image_is_routed_as_in_a_batch(case):
    logits, rule = case
    routes, gates = select(logits, rule)
    for row, route, gate in zip(logits, routes, gates, strict=True):
        one, one_gates = select_one(row, rule)
        assert list(one) == route.tolist()
        assert {type(expert) for expert in one} == {int}
        assert {type(gate) for gate in one_gates} == {float}
        # One unit in the last place: NumPy's exp and the C library's may differ in double.
        np.testing.assert_array_max_ulp(np.float32(one_gates), gate, maxulp=1)


@given(routed_logits(), st.randoms(use_true_random=False))
def test_an_imposed_route_has_the_gates_that_the_router_gives_its_experts(case, random):
    logits, rule = case
    taken, gates = select_one(logits[0], rule)
    np.testing.assert_array_max_ulp(
        np.float32(gates_of(taken, logits[0], rule)), np.float32(gates), maxulp=1
    )
    route = tuple(sorted(random.sample(range(rule.experts), rule.k)))
    given_gates = np.float64(gates_of(route, logits[0], rule))
    chosen = logits[0].astype(np.float64)[list(route)]
    wide = chosen if rule.renormalize else logits[0].astype(np.float64)
    wanted = np.exp(chosen - wide.max()) / np.exp(wide - wide.max()).sum()
    # Rounded to fp32 once.
    np.testing.assert_allclose(given_gates, wanted, rtol=1e-6, atol=1e-37)


def test_an_imposed_route_whose_scores_underflow_has_gates():
    rule = RoutingRule(experts=3, k=2, renormalize=True)
    gates = gates_of((1, 2), np.float32([0, -200, -201]), rule)
    np.testing.assert_allclose(gates, [0.7310586, 0.2689414], rtol=1e-6)
    only = RoutingRule(experts=3, k=1, renormalize=True)
    assert gates_of((2,), np.float32([0, -200, -201]), only) == (1.0,)


def test_an_imposed_route_of_logits_that_are_not_finite_is_refused():
    for rule in (RoutingRule(experts=3), RoutingRule(experts=3, renormalize=True)):
        with pytest.raises(RoutingError, match="for expert 2"):
            gates_of((0,), np.float32([0, 1, np.nan]), rule)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 1, 3])
def test_one_image_with_a_logit_that_is_not_finite_is_refused(value, position):
    logits = np.zeros(4, np.float32)
    logits[position] = value
    with pytest.raises(RoutingError, match=f"for expert {position}"):
        select_one(logits, RoutingRule(experts=4, k=2))


def test_one_image_needs_a_logit_for_each_expert():
    with pytest.raises(RoutingError, match=r"\[3\].*expects \[4\]"):
        select_one(np.zeros(3, np.float32), RoutingRule(experts=4))


@given(routed_logits())
def test_renormalized_gates_sum_to_one(case):
    logits, rule = case
    rule = RoutingRule(experts=rule.experts, k=rule.k, renormalize=True)
    _, gates = select(logits, rule)
    np.testing.assert_allclose(gates.sum(axis=-1), 1, atol=SUM_TOLERANCE)


def test_ties_go_to_the_lowest_expert():
    rule = RoutingRule(experts=5, k=2)
    routes, _ = select(np.array([[0, 1, 1, 1, 0], [2, 2, 2, 2, 2]]), rule)
    assert routes.tolist() == [[1, 2], [0, 1]]


def test_scores_decide_where_logits_differ_by_less_than_a_score_can_show():
    # exp(-1e-9) is 1 in fp32: the scores tie although the logits do not.
    routes, _ = select(np.array([[-1e-9, 0.0]], dtype=np.float32), RoutingRule(experts=2))
    assert routes.tolist() == [[0]]


@given(routed_logits(elements=st.integers(-40, 40).map(float)), st.randoms(use_true_random=False))
def test_renaming_experts_renames_the_route(case, random):
    logits, _ = case
    logits = logits[:1] + np.arange(logits.shape[1], dtype=np.float32) / 64  # no ties
    experts = logits.shape[1]
    if len(set(scores(logits)[0].tolist())) < experts:
        return
    order = list(range(experts))
    random.shuffle(order)
    for k in range(1, experts + 1):
        rule = RoutingRule(experts=experts, k=k)
        routes, _ = select(logits, rule)
        permuted, _ = select(logits[:, order], rule)
        assert sorted(order[new] for new in permuted[0]) == routes[0].tolist()


@given(routed_logits(), st.randoms(use_true_random=False))
def test_an_image_is_routed_alone_as_in_any_batch(case, random):
    logits, rule = case
    order = list(range(len(logits)))
    random.shuffle(order)
    routes, gates = select(logits, rule)
    shuffled_routes, shuffled_gates = select(logits[order], rule)
    np.testing.assert_array_equal(shuffled_routes, routes[order])
    np.testing.assert_array_equal(shuffled_gates, gates[order])
    alone = select(logits[:1], rule)
    np.testing.assert_array_equal(alone[0], routes[:1])
    np.testing.assert_array_equal(alone[1], gates[:1])


@given(routed_logits(elements=st.floats(-FP32_MAX, FP32_MAX, width=32)))
def test_softmax_is_stable_for_all_finite_logits(case):
    logits, rule = case
    routes, gates = select(logits, rule)
    assert np.isfinite(gates).all()
    np.testing.assert_allclose(scores(logits).sum(axis=-1), 1, atol=SUM_TOLERANCE)
    assert (np.take_along_axis(scores(logits), routes, -1).max(-1) == scores(logits).max(-1)).all()


@pytest.mark.filterwarnings("error")
def test_logits_at_both_ends_of_fp32_raise_no_warning():
    routes, gates = select(np.array([[-FP32_MAX, FP32_MAX, 0]]), RoutingRule(experts=3))
    assert routes.tolist() == [[1]]
    assert gates.tolist() == [[1.0]]


@given(
    routed_logits(), st.sampled_from([np.nan, np.inf, -np.inf]), st.randoms(use_true_random=False)
)
def test_one_logit_that_is_not_finite_is_an_error_that_names_the_image(case, bad, random):
    logits, rule = case
    image, expert = random.randrange(len(logits)), random.randrange(rule.experts)
    logits = logits.copy()
    logits[image, expert] = bad
    with pytest.raises(RoutingError, match=rf"not finite for image {image} .*expert {expert}"):
        select(logits, rule)


@pytest.mark.filterwarnings("error")
def test_a_logit_beyond_fp32_is_an_error_without_a_warning():
    with pytest.raises(RoutingError, match="not finite"):
        select(np.array([[0.0, 1e300]]), RoutingRule(experts=2))


def test_the_message_about_one_of_many_logits_is_short():
    logits = np.full((1, 4096), np.nan)
    with pytest.raises(RoutingError) as caught:
        select(logits, RoutingRule(experts=4096))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("shape", [(), (3,), (1, 2), (1, 4), (1, 3, 1), (3, 1), (1, 0)])
def test_logits_of_another_shape_are_an_error(shape):
    with pytest.raises(RoutingError, match=r"expects \[B, 3\]"):
        select(np.zeros(shape), RoutingRule(experts=3))


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (1, 2, 3)])
def test_scores_of_another_shape_are_an_error(shape):
    with pytest.raises(RoutingError, match="expected"):
        scores(np.zeros(shape))


@pytest.mark.parametrize("dtype", [bool, complex, "U1", object])
def test_logits_that_are_no_numbers_are_an_error(dtype):
    with pytest.raises(RoutingError, match="expected numbers"):
        select(np.zeros((1, 2), dtype=dtype), RoutingRule(experts=2))


def test_an_empty_batch_has_no_routes():
    routes, gates = select(np.zeros((0, 3)), RoutingRule(experts=3, k=2))
    assert routes.shape == gates.shape == (0, 2)


def test_half_precision_logits_are_routed_as_fp32():
    logits = np.array([[1.0, 1.0009765625, 0.5]], dtype=np.float16)
    routes, gates = select(logits, RoutingRule(experts=3))
    assert routes.tolist() == [[1]]
    assert gates.dtype == np.float32


@pytest.mark.parametrize("experts, k", [(3, 4), (3, 0), (0, 0), (3, -1)])
def test_a_rule_that_no_image_could_follow_is_refused(experts, k):
    with pytest.raises(InputError, match="1 <= k <= experts"):
        RoutingRule(experts=experts, k=k)


@pytest.mark.parametrize("route", [(), (0,), (1, 0), (1, 1), (0, 3), (-1, 0), (0, 1, 2)])
def test_a_route_that_a_rule_cannot_give_is_refused(route):
    with pytest.raises(InputError, match=r"the log has the route .* expected 2 ascending experts"):
        check_route(route, RoutingRule(experts=3, k=2), "the log")


def test_the_message_about_a_long_route_is_short():
    with pytest.raises(InputError) as caught:
        check_route(tuple(range(10**5)), RoutingRule(experts=3), "the log")
    assert len(str(caught.value)) < 200


def shares(*pairs):
    return tuple(RouteShare(route, share) for route, share in pairs)


def test_a_usage_prior_of_its_rules_is_accepted():
    prior = (shares(((0,), 0.25), ((2,), 0.75)),)
    check_usage_prior(prior, [RoutingRule(experts=3)], "the prior")


@pytest.mark.parametrize(
    "prior, words",
    [
        ((), "has 0 stages; expected 1"),
        ((shares(((0,), 1.0)),) * 2, "has 2 stages; expected 1"),
        ((shares(((3,), 1.0)),), "has the route"),
        ((shares(((0, 1), 1.0)),), "has the route"),
        ((shares(((0,), 0.5), ((0,), 0.5)),), "names a route twice"),
        ((shares(((0,), 0.5), ((1,), 0.4)),), "sum to 0.9"),
        (((),), "sum to 0.0"),
    ],
)
def test_a_usage_prior_that_cannot_be_of_its_rules_is_refused(prior, words):
    with pytest.raises(InputError, match=words):
        check_usage_prior(prior, [RoutingRule(experts=3)], "the prior")
