"""The rule `top_k`: its definition, its ties, its gates, and what it refuses."""

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError, RoutingError
from mvmoe_deploy.routing import gates_of
from mvmoe_deploy.routing.contract import members_of, route_of
from mvmoe_deploy.routing.rule_arithmetic import scores
from mvmoe_deploy.routing.top_k import TopK

FP32_MAX = float(np.finfo(np.float32).max)

# Sums of at most 12 gates in fp32: 12 roundings of 6e-8 each, and some room.
SUM_TOLERANCE = 2e-6


@st.composite
def routed_logits(draw, elements=None):
    """Logits `[B, E]` and a rule for them; few distinct values, so that ties are common."""
    experts = draw(st.integers(1, 12))
    shape = (draw(st.integers(1, 5)), experts)
    values = st.one_of(st.sampled_from([-2.0, 0.0, 0.5, 1.0]), st.floats(-30, 30, width=32))
    logits = draw(hnp.arrays(np.float32, shape, elements=values if elements is None else elements))
    rule = TopK(experts=experts, k=draw(st.integers(1, experts)), renormalize=draw(st.booleans()))
    return logits, rule


@given(routed_logits())
def test_unit_gates_are_ones_for_the_same_route(case):
    logits, rule = case
    ones = TopK(experts=rule.experts, k=rule.k, unit_gates=True)
    members, gates = ones.select(logits)
    np.testing.assert_array_equal(members, rule.select(logits)[0])
    np.testing.assert_array_equal(gates, members)
    assert [ones.select_one(row)[1] for row in logits] == [(1.0,) * rule.k] * len(logits)
    assert gates_of(tuple(range(rule.k)), logits[0], ones) == (1.0,) * rule.k


def test_gates_are_renormalized_or_ones_but_not_both():
    with raises(InputError, "routing.rule-invalid", name="unit_gates"):
        TopK(experts=4, k=2, renormalize=True, unit_gates=True)


def test_unit_gates_of_logits_that_are_not_finite_are_an_error():
    rule = TopK(experts=3, unit_gates=True)
    with raises(RoutingError, "routing.not-finite", expert=1):
        rule.select_one(np.float32([0, np.nan, 1]))
    with raises(RoutingError, "routing.not-finite", expert=1):
        rule.gates(np.array([[True, False, False]]), np.float32([[0, np.inf, 1]]))


def routes_of(logits, rule):
    """The routes of a batch as tuples."""
    return [route_of(row) for row in rule.select(logits)[0]]


def selected_by_definition(row, k):
    """The rule in words: best score first, the lower expert of equals."""
    ranked = sorted(range(len(row)), key=lambda expert: (-row[expert], expert))
    return tuple(sorted(ranked[:k]))


@given(routed_logits())
def test_selection_follows_its_definition(case):
    logits, rule = case
    expected = [selected_by_definition(row, rule.k) for row in scores(logits)]
    assert routes_of(logits, rule) == expected


@given(routed_logits())
def test_gates_are_the_scores_of_the_route_or_its_share_of_their_sum(case):
    logits, rule = case
    members, gates = rule.select(logits)
    if not rule.renormalize:
        np.testing.assert_array_equal(gates[members], scores(logits)[members])
        return
    kept = np.where(members, scores(logits), 0).astype(np.float64)
    # The scores were rounded to fp32 before this sum, the gates' own weights were not.
    np.testing.assert_allclose(gates, kept / kept.sum(axis=-1, keepdims=True), rtol=1e-6, atol=1e-9)


@given(routed_logits(elements=st.floats(-300, 300, width=32)), st.randoms(use_true_random=False))
def test_an_imposed_route_has_the_gates_that_the_router_gives_its_experts(case, random):
    """Also where the scores of all its experts underflow."""
    logits, rule = case
    route = tuple(sorted(random.sample(range(rule.experts), rule.k)))
    found = np.float64(gates_of(route, logits[0], rule))
    chosen = logits[0].astype(np.float64)[list(route)]
    wide = chosen if rule.renormalize else logits[0].astype(np.float64)
    wanted = np.exp(chosen - wide.max()) / np.exp(wide - wide.max()).sum()
    # Rounded to fp32 once; near 0 fp32 has no more than steps of 1.4e-45.
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-45)


def test_an_imposed_route_whose_scores_underflow_has_gates():
    rule = TopK(experts=3, k=2, renormalize=True)
    gates = gates_of((1, 2), np.float32([0, -200, -201]), rule)
    np.testing.assert_allclose(gates, [0.7310586, 0.2689414], rtol=1e-6)
    only = TopK(experts=3, k=1, renormalize=True)
    assert gates_of((2,), np.float32([0, -200, -201]), only) == (1.0,)


@pytest.mark.parametrize("renormalize", [False, True])
def test_gates_of_one_image_are_rounded_to_fp32(renormalize):
    logits = np.float32([0.3, 1.1, -2, 0.5])
    _, gates = TopK(experts=4, k=2, renormalize=renormalize).select_one(logits)
    assert list(gates) == np.float32(gates).tolist()


@given(routed_logits())
def test_renormalized_gates_sum_to_one(case):
    logits, rule = case
    rule = TopK(experts=rule.experts, k=rule.k, renormalize=True)
    _, gates = rule.select(logits)
    np.testing.assert_allclose(gates.sum(axis=-1), 1, atol=SUM_TOLERANCE)


def test_ties_go_to_the_lowest_expert():
    logits = np.array([[0, 1, 1, 1, 0], [2, 2, 2, 2, 2]], np.float32)
    rule = TopK(experts=5, k=2)
    assert routes_of(logits, rule) == [(1, 2), (0, 1)]
    assert [rule.select_one(row)[0] for row in logits] == [(1, 2), (0, 1)]


def test_scores_decide_where_logits_differ_by_less_than_a_score_can_show():
    # exp(-1e-9) is 1 in fp32: the scores tie although the logits do not.
    logits = np.array([[-1e-9, 0.0]], dtype=np.float32)
    assert routes_of(logits, TopK(experts=2)) == [(0,)]
    assert TopK(experts=2).select_one(logits[0])[0] == (0,)


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
        rule = TopK(experts=experts, k=k)
        (route,), (renamed,) = routes_of(logits, rule), routes_of(logits[:, order], rule)
        assert tuple(sorted(order[new] for new in renamed)) == route


@given(routed_logits(elements=st.floats(-FP32_MAX, FP32_MAX, width=32)))
def test_the_best_score_is_in_the_route_for_all_finite_logits(case):
    logits, rule = case
    members, gates = rule.select(logits)
    assert np.isfinite(gates).all()
    assert (np.where(members, scores(logits), 0).max(-1) == scores(logits).max(-1)).all()


@pytest.mark.filterwarnings("error")
def test_logits_at_both_ends_of_fp32_raise_no_warning():
    logits = np.array([[-FP32_MAX, FP32_MAX, 0]])
    assert routes_of(logits, TopK(experts=3)) == [(1,)]
    for renormalize in (False, True):
        rule = TopK(experts=3, renormalize=renormalize)
        assert rule.gates(members_of([(1,)], 3), logits).tolist() == [[0, 1, 0]]


@pytest.mark.filterwarnings("error")
def test_a_logit_beyond_fp32_is_an_error_without_a_warning():
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.not-finite"):
        TopK(experts=2).select(np.array([[0.0, 1e300]]))


def test_the_message_about_one_of_many_logits_is_short():
    logits = np.full((1, 4096), np.nan)
    with raises(RoutingError, "routing.not-finite") as caught:
        TopK(experts=4096).select(logits)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("shape", [(), (3,), (1, 2), (1, 4), (1, 3, 1), (3, 1), (1, 0)])
def test_logits_of_another_shape_are_an_error(shape):
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        TopK(experts=3).select(np.zeros(shape))


@pytest.mark.parametrize("dtype", [bool, complex, "U1", object])
def test_logits_that_are_no_numbers_are_an_error(dtype):
    with pytest.raises(RoutingError, check=lambda error: error.code == "routing.logits-shape"):
        TopK(experts=2).select(np.zeros((1, 2), dtype=dtype))


def test_an_empty_batch_has_no_routes():
    members, gates = TopK(experts=3, k=2).select(np.zeros((0, 3)))
    assert members.shape == gates.shape == (0, 3)


def test_half_precision_logits_are_routed_as_fp32():
    logits = np.array([[1.0, 1.0009765625, 0.5]], dtype=np.float16)
    members, gates = TopK(experts=3).select(logits)
    assert members.tolist() == [[False, True, False]]
    assert gates.dtype == np.float32


@pytest.mark.parametrize("experts, k", [(3, 4), (3, 0), (0, 0), (3, -1)])
def test_a_rule_that_no_image_could_follow_is_refused(experts, k):
    with pytest.raises(InputError, check=lambda error: error.code == "routing.rule-invalid"):
        TopK(experts=experts, k=k)


def test_its_routes_are_all_sets_of_k_experts():
    rule = TopK(experts=4, k=2)
    assert list(rule.routes()) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert rule.count() == 6
    assert rule.longest == 2


def test_its_words():
    assert TopK(experts=8, k=2).describe() == "top 2 of 8 experts"
    assert TopK(experts=8, renormalize=True).describe() == "top 1 of 8 experts, renormalized"


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1.0, 0.0]), (2, [2.0, 5.0]), (3, [4.0, 1.0]), (4, [np.inf] * 2)]
)
def test_the_margin_is_between_the_last_selected_and_the_next_expert(k, expected):
    logits = np.array([[7, 1, 8, 5], [6, 0, 6, 1]], np.float32)
    # Less what two fp32 scores cannot show.
    np.testing.assert_allclose(TopK(experts=4, k=k).margins(logits), expected, atol=2.0**-21)


def test_scores_that_underflow_have_no_margin():
    """Their logits differ by far, but both scores are 0, and the tie goes to the lower expert."""
    logits = np.float32([[0, -200, -260]])
    rule = TopK(experts=3, k=2)
    assert rule.margins(logits).tolist() == [0]
    assert routes_of(np.float32([[0, -260, -200]]), rule) == routes_of(logits, rule) == [(0, 1)]
