"""Means over seeds with Student's intervals of 95%."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SURE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over seeds; `half` is half of its interval, None for one seed."""

    mean: float
    half: float | None
    seeds: int

    @property
    def low(self) -> float:
        """The lower end; the mean itself where there is no interval."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + (self.half or 0.0)

    @property
    def decides(self) -> bool:
        """Whether the interval leaves out 0: a difference that these seeds show."""
        return self.half is not None and abs(self.mean) > self.half


def interval(values: Sequence[float]) -> Interval | None:
    """The mean of some seeds; None without any."""
    if not values:
        return None
    mean = float(np.mean(values))
    if len(values) == 1:
        return Interval(mean, None, 1)
    from scipy import stats

    half = stats.sem(values) * stats.t.ppf((1 + SURE) / 2, len(values) - 1)
    return Interval(mean, float(half), len(values))
