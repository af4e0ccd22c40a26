"""Exact intervals against tables and a search, and how many images a bound takes."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mvmoe_deploy.errors import MissingExtraError
from mvmoe_deploy.router_health.binomial_intervals import (
    exact_intervals,
    images_to_exceed,
    images_to_fall_below,
    require_exact_intervals,
)


@pytest.mark.parametrize(
    ("count", "images", "low", "high"),
    [
        # Of all or none the ends are powers: 0.025^(1/n), and 1 less that.
        (0, 10, 0.0, 1 - 0.025 ** (1 / 10)),
        (10, 10, 0.025 ** (1 / 10), 1.0),
        (5000, 5000, 0.025 ** (1 / 5000), 1.0),
        # The textbook's example of four of twenty: 5.73% to 43.66%.
        (4, 20, 0.057334, 0.436614),
        # One of ten: 0.25% to 44.5%.
        (1, 10, 0.002529, 0.445016),
    ],
)
def test_ends_are_those_of_tables(count, images, low, high):
    found = exact_intervals(np.array(count), images)
    assert [float(end) for end in found] == pytest.approx([low, high], abs=1e-6)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_they_are_what_scipy_finds_by_a_search(pair):
    count, images = pair
    wanted = binomtest(count, images).proportion_ci(method="exact")
    low, high = exact_intervals(np.array([count]), images)
    # SciPy's search ends at 2e-12; here is no search.
    assert (low[0], high[0]) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_a_collapse_takes_368_images_and_more_where_some_go_elsewhere():
    assert images_to_exceed(1.0, 0.99) == 368
    assert 0.025 ** (1 / 368) >= 0.99 > 0.025 ** (1 / 367)
    assert images_to_exceed(0.995, 0.99) > 1000
    assert images_to_exceed(0.99, 0.99) is None


def test_an_unused_expert_takes_more_images_the_more_experts_there_are():
    assert images_to_fall_below(0.0, 0.1 / 4) == 146
    assert images_to_fall_below(0.0, 0.1 / 64) == 2360
    assert images_to_fall_below(0.025, 0.025) is None


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(MissingExtraError) as err:
        require_exact_intervals()
    assert (err.value.code, err.value.fields["extra"]) == ("extra.missing", "routing")
