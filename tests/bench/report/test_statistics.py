"""Percentiles and paired ratios on data whose answers are known."""

import numpy as np
import pytest
from scipy.stats import norm

from mvmoe_bench.report.statistics import (
    PerRepeat,
    conclusive,
    distribution,
    expanded,
    paired_ratio,
    unpaired_ratio,
)


def test_a_constant_quotient_has_no_uncertainty_however_the_machine_wanders():
    below = np.array([1.0, 50.0, 3.0, 700.0, 2.0])

    ratio = paired_ratio(below * 1.25, below)

    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.25, 1.25, 1.25))
    assert ratio.n == ratio.repeats == 5


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

    assert together.value == pytest.approx(alone.value, abs=1e-4)
    assert (together.repeats, together.n) == (8, 400)
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_pairs_of_a_single_group_are_one_observation():
    ratio = paired_ratio([1, 2, 3], [1, 1, 1], repeats=[0, 0, 0])

    assert (ratio.value, ratio.n, ratio.repeats) == (2, 3, 1)
    assert ratio.low is ratio.high is None
    assert not conclusive(ratio)


def test_the_same_samples_give_the_same_interval():
    rng = np.random.default_rng(3)
    first, second = rng.random(30) + 1, rng.random(30) + 1

    assert paired_ratio(first, second, seed=7) == paired_ratio(first, second, seed=7)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], [1.0, 2.0])])
def test_samples_without_partners_are_refused(first, second):
    with pytest.raises(ValueError, match="make no pairs"):
        paired_ratio(first, second)


def test_a_distribution_of_known_numbers():
    found = distribution([1.0, 2.0, 3.0, 4.0, 100.0] * 20, [i // 10 for i in range(100)])

    assert (found.n, found.repeats, found.min, found.max) == (100, 10, 1, 100)
    assert (found.value, found.mean, found.mad) == (3, 22, 1)
    assert (found.low, found.high) == (3, 3)
    assert not found.rough
    assert not found.few(99)


def test_fewer_than_six_groups_are_rough_and_a_few_samples_have_no_p99():
    found = distribution(range(50), [i % 5 for i in range(50)])

    assert found.rough
    assert found.few(99)
    assert not found.few(95)
    assert not distribution(range(50), [i % 6 for i in range(50)]).rough


def test_samples_of_a_single_group_have_no_interval():
    found = distribution(range(200), [0] * 200)

    assert (found.n, found.repeats, found.low, found.high) == (200, 1, None, None)
    assert found.rough


def test_one_sample_has_no_interval():
    found = distribution([4.0], [0])

    assert (found.value, found.low, found.high, found.mad) == (4, None, None, 0)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no distribution"):
        distribution([])


def test_each_repeats_median_comes_first_whatever_its_number_of_samples():
    found = PerRepeat.of([1, 1, 1, 1, 1, 1, 1, 5, 9], [*[0] * 7, 1, 2]).estimate()

    assert (found.value, found.n, found.repeats) == (5, 9, 3)
    assert PerRepeat.of([3, 1, 8, 2, 10], "abbaa").by_repeat == {"a": 3, "b": 4.5}


def test_what_is_made_of_each_repeats_numbers_is_of_repeats_that_both_have():
    above, below = PerRepeat.of([9, 8, 7], "abc", seed=3), PerRepeat.of([2, 1, 5], "bad")

    made = above.each(lambda a, b: a - b, below)

    assert made == PerRepeat({"a": 8, "b": 6}, 3, 3)
    assert not above.each(max, PerRepeat.of([]))
    assert PerRepeat.of([]).estimate_if_any() is None


def test_an_interval_is_the_bootstrap_over_the_repeats_medians():
    samples = [10.0, 20, 30, 40, 50, 60, 70]

    found = PerRepeat.of(samples).estimate()

    # Of 7 numbers the level is expanded to 99.18%: by hand, a draw's median is the least number if
    # at least 4 of 7 draws are it, which 1.1% of draws are not less than the percentile.
    assert (found.low, found.value, found.high) == (10, 40, 70)
    draws = np.random.default_rng(0).choice(samples, (2999, 7))
    tails = (1 - expanded(0.95, 7)) / 2
    expected = np.quantile(np.median(draws, axis=1), [tails, 1 - tails])
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_the_level_is_expanded_as_hesterberg_says():
    # alpha / 2 = Phi(-sqrt(6 / 5) * 2.5706), the tabulated t of 5 degrees of freedom.
    assert expanded(0.95, 6) == pytest.approx(1 - 2 * norm.cdf(-np.sqrt(1.2) * 2.5706), abs=1e-6)
    assert expanded(0.95, 10_000) == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize(
    ("groups", "luck", "noise"), [(9, 0, 0.05), (9, 0.05, 0.005), (15, 0.05, 0.01)]
)
def test_intervals_of_95_percent_hold_the_truth_about_95_times_of_100(groups, luck, noise):
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(groups), 12)
    hits = 0
    for run in range(200):
        samples = 1 + rng.normal(0, luck, groups)[codes] + rng.normal(0, noise, len(codes))
        found = distribution(samples, codes.tolist(), seed=run)
        hits += found.low <= 1 <= found.high

    # Three standard errors of 200 runs below 95%; a plain percentile interval has about 0.90.
    assert 0.90 <= hits / 200 <= 0.995


def test_two_runs_that_share_nothing_have_an_unpaired_ratio():
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(9), 30).tolist()
    first = PerRepeat.of(rng.normal(1.2, 0.01, 270), codes)
    second = PerRepeat.of(rng.normal(1.0, 0.01, 270), codes)

    ratio = unpaired_ratio(first, second)

    assert ratio.value == pytest.approx(1.2, rel=0.01)
    assert ratio.low < 1.2 < ratio.high
    assert ratio.low > 1.15
    assert not ratio.rough


def test_an_unpaired_ratio_of_single_runs_has_no_interval():
    one = PerRepeat.of([2.0], None)

    ratio = unpaired_ratio(one, PerRepeat.of([1.0, 1.0], None))

    assert (ratio.value, ratio.low, ratio.high, ratio.rough) == (2, None, None, True)
