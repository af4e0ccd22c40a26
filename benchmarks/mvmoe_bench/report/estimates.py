"""What all figures are made of."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import msgspec
import numpy as np

from mvmoe_bench.report.statistics import GroupedMedian, interval

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
    return made_of([GroupedMedian.of(values, groups)], lambda medians: medians[0], seed)


def made_of(
    medians: Sequence[GroupedMedian], make: Callable[[list[Any]], Any], seed: int = 0
) -> Estimate:
    """What `make` makes of medians of the same samples, such as their sum: it is asked for the
    values themselves and, with arrays `[R]`, for draws of repeats that all of them share.
    """
    first = medians[0]

    def resampled(drawn: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return make([median.resampled(drawn) for median in medians])

    found = interval(resampled, (first.groups,), seed)
    return Estimate(
        value=float(make([median.value for median in medians])),
        low=found.low,
        high=found.high,
        n=first.n,
        groups=first.groups,
        rough=found.rough,
    )


def quick_median(values: Sequence[float]) -> float:
    """The median alone."""
    return float(np.median(np.asarray(values, dtype=np.float64)))
