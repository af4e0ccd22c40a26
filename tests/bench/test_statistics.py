"""Percentiles and paired ratios on data whose answers are known."""

import numpy as np
import pytest

from mvmoe_bench.statistics import paired_ratio, percentiles


def test_percentiles_of_0_to_100_are_their_own_numbers():
    found = percentiles(list(range(101)))

    assert found == {
        "n": 101, "median": 50, "p5": 5, "p50": 50, "p90": 90, "p95": 95, "p99": 99,
    }  # fmt: skip


def test_between_two_samples_a_percentile_is_interpolated():
    assert percentiles([0, 10])["p90"] == pytest.approx(9)


def test_a_constant_quotient_has_no_uncertainty_however_the_machine_wanders():
    below = np.array([1.0, 50.0, 3.0, 700.0, 2.0])

    ratio = paired_ratio(below * 1.25, below)

    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.25, 1.25, 1.25))
    assert ratio.n == ratio.groups == 5


def test_the_pairing_is_kept():
    first, second = [1.0, 20.0, 300.0], [2.0, 10.0, 300.0]

    ratio = paired_ratio(first, second)

    assert ratio.value == 1.0
    assert ratio.of_medians == 2.0


def test_one_pair_has_no_interval():
    ratio = paired_ratio([3], [2])

    assert (ratio.value, ratio.low, ratio.high) == (1.5, None, None)


def test_the_interval_is_the_one_of_the_normal_approximation():
    rng = np.random.default_rng(1)
    quotients = rng.normal(1.0, 0.1, 2000)

    ratio = paired_ratio(quotients, np.ones(2000))

    # The standard error of a median is 1.2533 sigma / sqrt(n).
    half = 1.96 * 1.2533 * 0.1 / np.sqrt(2000)
    assert ratio.low < 1.0 < ratio.high
    assert ratio.high - ratio.low == pytest.approx(2 * half, rel=0.25)


def test_what_a_group_has_in_common_widens_the_interval():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(8), 50)
    quotients = 1 + rng.normal(0, 0.03, 8)[groups] + rng.normal(0, 0.001, 400)

    alone = paired_ratio(quotients, np.ones(400))
    together = paired_ratio(quotients, np.ones(400), groups.tolist())

    assert together.value == alone.value
    assert (together.groups, together.n) == (8, 400)
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_a_single_group_falls_back_to_its_pairs():
    ratio = paired_ratio([1, 2, 3], [1, 1, 1], groups=[0, 0, 0])

    assert ratio.groups == 3
    assert ratio.low is not None


def test_the_same_samples_give_the_same_interval():
    rng = np.random.default_rng(3)
    first, second = rng.random(30) + 1, rng.random(30) + 1

    assert paired_ratio(first, second, seed=7) == paired_ratio(first, second, seed=7)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], [1.0, 2.0])])
def test_samples_without_partners_are_refused(first, second):
    with pytest.raises(ValueError, match="make no pairs"):
        paired_ratio(first, second)
