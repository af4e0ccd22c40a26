"""Figures on arrays with known answers, and what holds for all arrays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mvmoe_deploy.routing.contract import members_of
from mvmoe_deploy.routing.rule_arithmetic import scores
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.verification import metrics

NUMBERS = st.floats(-100, 100, width=32)
ANSWERS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=NUMBERS
)
LOGITS = arrays.arrays(np.float32, st.tuples(st.integers(1, 8), st.just(4)), elements=NUMBERS)


def test_errors_of_known_answers():
    wanted = np.array([[0, 10], [2, 0]], np.float32)
    given = np.array([[0, 9], [2, 3]], np.float32)
    errors = metrics.array_errors(given, wanted)
    assert errors.max_abs_error == 3
    assert errors.max_rel_error == pytest.approx(0.3)
    assert errors.rms_error == pytest.approx(math.sqrt((1 + 9) / 4))
    assert errors.psnr_db == pytest.approx(20 * math.log10(10 / math.sqrt(2.5)))


@given(ANSWERS)
def test_what_is_identical_has_no_error(wanted):
    errors = metrics.array_errors(wanted.copy(), wanted)
    assert (errors.max_abs_error, errors.rms_error) == (0, 0)
    assert errors.psnr_db == math.inf


@given(ANSWERS, st.floats(0.001, 10))
def test_rms_is_at_most_the_largest_error(wanted, step):
    noise = np.random.default_rng(0).uniform(-step, step, wanted.shape).astype(np.float32)
    errors = metrics.array_errors(wanted + noise, wanted)
    assert errors.rms_error <= errors.max_abs_error * (1 + 1e-12)
    assert errors.max_abs_error == pytest.approx(np.abs((wanted + noise) - wanted).max(), abs=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_infinitely_wrong(value):
    wanted = np.ones((2, 3), np.float32)
    given = wanted.copy()
    given[1, 1] = value
    errors = metrics.array_errors(given, wanted)
    assert (errors.max_abs_error, errors.rms_error, errors.psnr_db) == (
        math.inf,
        math.inf,
        -math.inf,
    )


@settings(max_examples=200)
@given(LOGITS, st.integers(1, 3), st.floats(0, 5), st.integers(0, 2**31))
def test_only_near_ties_flip(logits, k, error, seed):
    noise = np.random.default_rng(seed).uniform(-error, error, logits.shape)
    moved = (logits + noise).astype(np.float32)
    actual = float(metrics.absolute_errors(moved, logits).max())
    rule = TopK(experts=4, k=k)
    flipped = (rule.select(moved)[0] != rule.select(logits)[0]).any(axis=1)
    near = rule.margins(logits) <= 2 * actual + metrics.SCORE_STEP
    # Scores far below the winner's underflow and round: there equal scores are no near-tie.
    visible = np.sort(scores(logits), axis=1)[:, -k - 1] > 1e-30
    visible &= np.sort(scores(moved), axis=1)[:, -k - 1] > 1e-30
    assert (near | ~flipped | ~visible).all()


def test_a_large_error_excuses_no_more_than_is_allowed():
    assert metrics.near_tie_limit(5.0, 0.01, 10.0) == pytest.approx(0.2, abs=1e-6)
    assert metrics.near_tie_limit(0.01, 0.01, 10.0) == pytest.approx(0.02, abs=1e-6)


def test_a_recipe_with_loose_bounds_excuses_no_more_than_rounding_does():
    assert metrics.near_tie_limit(5.0, 0.5, 10.0) == pytest.approx(0.4, abs=1e-6)


def test_quantiles_of_known_values():
    assert metrics.quantiles(np.arange(101.0)) == {
        "min": 0, "p05": 5, "p50": 50, "p95": 95, "max": 100,
    }  # fmt: skip
    assert metrics.quantiles(np.array([np.inf, 1.0])) is None
    assert metrics.quantiles(np.array([])) is None


def test_the_first_stage_that_differs_counts():
    wanted = [members_of([(0,)] * 4, 3), members_of([(1, 2)] * 4, 3)]
    given = [
        members_of([(0,), (1,), (0,), (2,)], 3),
        members_of([(1, 2), (1, 2), (0, 2), (1,)], 3),
    ]
    assert metrics.first_difference(given, wanted).tolist() == [0, 1, 2, 1]


@given(LOGITS, st.integers(1, 4))
def test_identical_routes_never_differ(logits, k):
    members, _ = TopK(experts=4, k=k).select(logits)
    assert not metrics.first_difference([members], [members.copy()]).any()


def test_all_routes_are_listed_where_they_are_few():
    listed = list(metrics.listed_routes(TopK(experts=4, k=2), members_of([(0, 1)], 4)))
    assert listed == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_of_very_many_routes_every_expert_is_in_one():
    taken = [(0, 1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7, 8)]
    rule = TopK(experts=64, k=8)
    listed = list(metrics.listed_routes(rule, members_of([*taken, taken[0]], 64)))
    assert listed[:2] == taken
    assert {expert for route in listed for expert in route} == set(range(64))
    assert len(listed) <= 2 + 7
    assert all(map(rule.contains, listed))


def test_of_a_rule_with_routes_of_many_lengths_every_expert_is_in_one():
    rule = TopP(experts=64, p=0.5, k_max=8)
    listed = metrics.checked_routes(rule)
    assert {expert for route in listed for expert in route} == set(range(64))
    assert all(map(rule.contains, listed)) and len(listed) == 8
