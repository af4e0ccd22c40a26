"""How figures are printed: their intervals say the digits, and nothing contradicts a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_bench.report.formatting import agreement, percent
from mvmoe_bench.report.printed import alone, percents, printed
from mvmoe_bench.report.statistics import Estimate, Ratio


def _estimate(value, low, high, groups=9):
    return Estimate(value=value, low=low, high=high, n=9, repeats=groups, rough=groups < 6)


def _ratio(value, low, high):
    return Ratio(value=value, low=low, high=high, of_medians=value, n=9, repeats=9, rough=False)


@pytest.mark.parametrize(
    ("value", "low", "high", "says"),
    [
        (0.868, 0.867, 0.911, "0.87 (95%: 0.87 to 0.91)"),
        (8.63, 8.39, 10.4, "8.6 (95%: 8.4 to 10.4)"),
        (311, 285, 424, "310 (95%: 280 to 420)"),
        (4650, 4280, 5060, "4,600 (95%: 4,300 to 5,100)"),
        (1.0332, 1.0220, 1.0390, "1.033 (95%: 1.022 to 1.039)"),
        (8.0, 8.0, 8.0, "8.00 (95%: 8.00 to 8.00)"),
        (0.0, 0.0, 0.0, "0 (95%: 0 to 0)"),
        (-0.035, -0.52, 0.44, "0.0 (95%: -0.5 to 0.4)"),
        (2.0, 1.0, 1000.0, "2 (95%: 1 to 1,000)"),
        (86.32104, 86.32101, 86.32107, "86.32 (95%: 86.32 to 86.32)"),
    ],
)
def test_the_interval_says_the_digits(value, low, high, says):
    its = printed(_estimate(value, low, high))
    assert f"{its.value} ({its.interval})" == says


@pytest.mark.parametrize(
    ("value", "low", "high", "says"),
    [
        (1.0, 1.0, 1.0, "1.00 (95%: 1.00 to 1.00)"),
        (1.03, 1.004, 1.05, "1.030 (95%: 1.004 to 1.050)"),
        (1.03, 0.996, 1.044, "1.03 (95%: 1.00 to 1.04)"),
        (1.0003, 1.0002, 1.0004, "1.0003 (95%: 1.0002 to 1.0004)"),
        (1.00004, 1.00004, 1.00004, "1.00004 (95%: 1.00004 to 1.00004)"),
    ],
)
def test_the_end_of_a_ratio_is_never_rounded_onto_1(value, low, high, says):
    its = printed(_ratio(value, low, high))
    assert f"{its.value} ({its.interval})" == says


def test_few_repeats_and_one_are_told():
    assert (
        printed(_estimate(8.63, 8.39, 10.4, groups=3)).interval == "roughly 8.4 to 10.4, 3 repeats"
    )
    one = printed(_estimate(8.634, None, None, groups=1))
    assert (one.value, one.span, one.interval) == ("8.63", "-", "one repeat, no interval")


def test_units_are_put_after_scaling():
    assert printed(_estimate(30.04e6, 29.9e6, 30.5e6), 1e-6).value == "30.0"
    its = percents(_estimate(0.0241, 0.0101, 0.0362))
    assert (its.value, its.span) == ("2.4%", "1.0% to 3.6%")


NUMBERS = st.floats(-1e7, 1e7).filter(lambda x: x == 0 or abs(x) > 1e-6)


def _read(text):
    return float(text.replace(",", ""))


@given(st.lists(NUMBERS, min_size=3, max_size=3).map(sorted), st.sampled_from([1.0, 1e-6, 100.0]))
def test_a_value_is_printed_within_its_interval_and_on_its_side_of_zero(ends, scale):
    low, value, high = ends
    its = printed(_estimate(value, low, high), scale)

    shown = [_read(text) for text in (its.low, its.value, its.high)]
    assert shown == sorted(shown)
    assert (_read(its.low) > 0) == (low > 0)
    assert (_read(its.high) < 0) == (high < 0)
    # Half of the last digit, which is at most a quarter of the interval's width.
    off = max(abs(a - b * scale) for a, b in zip(shown, (low, value, high), strict=True))
    # Four significant digits are the most.
    largest = max(abs(low), abs(high)) * scale
    assert off <= max((high - low) * scale / 4, largest * 0.006) + 1e-9 * largest


RATIOS = st.one_of(st.floats(0.01, 100), st.floats(0.98, 1.02), st.just(1.0))


@given(st.lists(RATIOS, min_size=3, max_size=3).map(sorted))
def test_the_print_of_a_ratio_never_contradicts_its_verdict(ends):
    low, value, high = ends
    its = printed(_ratio(value, low, high))

    assert (_read(its.low) > 1) == (low > 1)
    assert (_read(its.high) < 1) == (high < 1)
    assert _read(its.low) <= _read(its.value) <= _read(its.high)


@given(NUMBERS)
def test_a_number_alone_has_three_digits(value):
    assert _read(alone(value)) == pytest.approx(value, rel=0.005 if abs(value) >= 0.001 else 0.05)


@pytest.mark.parametrize(
    ("value", "says"),
    [(9.996, "10.0"), (99.96, "100"), (1240, "1,240"), (0, "0"), (0.0842, "0.0842"),
     (0.00001234, "1.2e-05"), (-0.035, "-0.0350")],
)  # fmt: skip
def test_numbers_alone(value, says):
    assert alone(value) == says


def test_only_all_is_100_percent_and_only_nothing_0():
    assert [percent(share) for share in (0, 1e-9, 0.031, 0.5, 0.996, 0.9999999, 1)] == [
        "0%", "<0.1%", "3.1%", "50%", "99.6%", ">99.9%", "100%",
    ]  # fmt: skip
    assert (agreement(1.0), agreement(0.9999999)) == ("100%", "99.99%")
