"""What all figures are made of."""

from collections.abc import Hashable, Sequence

import msgspec
import numpy as np

from mvmoe_bench.statistics import GroupedMedian, interval

MS = 1e-6
"""Milliseconds in a nanosecond."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What a summary consists of: plain, immutable data."""


class Estimate(Figure):
    """A number with its 95% interval; the field that holds it says the unit."""

    value: float
    low: float | None
    """None if there was a single observation."""
    high: float | None
    n: int
    groups: int
    """Repeats that the interval is taken over."""
    rough: bool
    """True if the groups are too few for what 95% says."""


def median_of(
    values: Sequence[float], groups: Sequence[Hashable] | None = None, seed: int = 0
) -> Estimate:
    """The median of `values`; `groups[i]` is the repeat of value i (without: each its own)."""
    median = GroupedMedian.of(values, groups)
    found = interval(median.resampled, (median.groups,), median.fell_back, seed)
    return Estimate(
        value=median.value,
        low=found.low,
        high=found.high,
        n=median.n,
        groups=median.groups,
        rough=found.rough,
    )


def quick_median(values: Sequence[float]) -> float:
    """The median alone."""
    return float(np.median(np.asarray(values, dtype=np.float64)))
