"""What samples say: distributions, medians and ratios, each with how sure it is.

Knows numbers only; where they come from is the protocol's affair.

The unit of independence is the *group*: a repeat, which is a process. What memory a process was
given makes all its samples faster or slower together, so two thousand samples of six processes
are six observations, not two thousand. Every interval here resamples whole groups (cluster
bootstrap; Davison and Hinkley 1997, section 3.8) with `scipy.stats.bootstrap`.

Of few groups the plain percentile interval is too narrow: it has the bias of a variance divided by
n, and the normal distribution's tails in place of Student's. Both are put right by reading the
percentiles further out (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", the
expanded percentile interval):

    alpha' / 2 = Phi(-sqrt(n / (n - 1)) * t(1 - alpha / 2, n - 1))        for n groups

Limits: no interval can leave the range of what was observed. The range of n groups covers a median
in at most 1 - 2 (1/2)^n of all cases: 93.8% with five groups, 96.9% with six. So an interval over
fewer than `ENOUGH_GROUPS` is called rough, and nothing is concluded from it (`sure`): even if all
of five groups lie on the same side, the two-sided sign test gives 2 (1/2)^5 = 0.0625, above 0.05;
six give 0.031. One group has no interval. Tails such as p99 have none either: too few groups hold
too few such samples.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

PERCENTILES = (5, 50, 90, 95, 99)
CONFIDENCE = 0.95
ENOUGH_GROUPS = 6
"""The fewest groups whose range covers a median in 95% of all cases; a verdict needs so many."""
ENOUGH_SAMPLES = {90: 10, 95: 20, 99: 100}
"""By percentile, the fewest samples of which at least one lies beyond it."""
_RESAMPLES = 2999
_BATCH = 4_000_000
"""Numbers that a batch of resamples may hold at once."""

Statistic = Callable[..., np.ndarray]
"""Gives one number for each row of drawn groups `[R, G]` (one array for each sample)."""


@dataclass(frozen=True)
class Interval:
    """Where the truth is with a probability of 95%."""

    low: float | None
    """None if a single observation leaves nothing to resample, or draws divide by zero."""
    high: float | None
    rough: bool
    """True if there are too few groups to hold what 95% says."""


class Sure(Protocol):
    """A number that says how sure it is."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def low(self) -> float | None:
        """Lower end of its 95% interval."""

    @property
    def high(self) -> float | None:
        """Upper end."""

    @property
    def groups(self) -> int:
        """Repeats that it comes from."""

    @property
    def rough(self) -> bool:
        """Whether those are too few."""


def sure(figure: Sure) -> bool:
    """Whether anything may be concluded from a figure: its interval is over six repeats or more."""
    return figure.low is not None and figure.high is not None and not figure.rough


@dataclass(frozen=True)
class Ratio:
    """How many times one thing is another."""

    value: float
    """Paired: the median over pairs of first / second. Unpaired: the quotient of two medians."""
    low: float | None
    """Lower end of the 95% interval; None for a single pair."""
    high: float | None
    of_medians: float
    """Median of the first over median of the second, the pairing ignored."""
    n: int
    """Pairs; of unpaired ratios the samples of the smaller side."""
    groups: int
    """Groups of pairs; the interval is taken over them."""
    rough: bool = False
    """True if the groups are too few for what 95% says."""


@dataclass(frozen=True)
class Distribution:
    """What many samples of one thing say, in the samples' unit."""

    n: int
    groups: int
    """Repeats that they come from: the interval is taken over these."""
    min: float
    max: float
    mean: float
    mad: float
    """Median absolute deviation from the median, as it is: not scaled to a standard deviation."""
    p5: float
    p25: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    low: float | None
    """Lower end of the 95% interval of the median; None for a single sample."""
    high: float | None
    rough: bool
    """True if the groups are too few for what 95% says."""

    @property
    def value(self) -> float:
        """The median, which the interval is of."""
        return self.p50

    def few(self, percentile: int) -> bool:
        """Whether a percentile (90, 95, 99) is nearly the largest sample, since there are few."""
        return self.n < ENOUGH_SAMPLES[percentile]


def percentiles(samples: Sequence[float]) -> dict[str, float]:
    """`n`, `median` and `p5` ... `p99` of samples, in the samples' unit.

    Between two samples the value is interpolated linearly.
    """
    points = np.percentile(np.asarray(samples, dtype=np.float64), PERCENTILES)
    named = {f"p{point}": float(value) for point, value in zip(PERCENTILES, points, strict=True)}
    return {"n": len(samples), "median": float(np.median(samples)), **named}


def distribution(
    samples: Sequence[float], groups: Sequence[Hashable] | None = None, seed: int = 0
) -> Distribution:
    """All figures of samples; `groups[i]` is the repeat of sample i (without: each its own).

    Raises ValueError without a sample.
    """
    if not len(samples):
        raise ValueError("no samples have no distribution")
    from scipy.stats import median_abs_deviation

    values = np.asarray(samples, dtype=np.float64)
    median = GroupedMedian.of(values, groups)
    found = interval(median.resampled, (median.groups,), seed)
    points = np.percentile(values, (5, 25, 50, 75, 90, 95, 99)).tolist()
    names = ("p5", "p25", "p50", "p75", "p90", "p95", "p99")
    return Distribution(
        n=len(values),
        groups=median.groups,
        min=float(values.min()),
        max=float(values.max()),
        mean=float(values.mean()),
        mad=float(median_abs_deviation(values)),
        **dict(zip(names, points, strict=True)),
        low=found.low,
        high=found.high,
        rough=found.rough,
    )


def paired_ratio(
    first: Sequence[float],
    second: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Ratio:
    """The median of `first[i] / second[i]`, with a bootstrap interval.

    What slows the machine for a while slows both members of a pair: their quotient keeps still
    where the medians of the two alone would wander. `groups[i]` says what pair i has in common
    with others, such as the process it was measured in: whole groups are resampled then, and one
    group alone has no interval. Without groups each pair stands for itself.
    """
    if not len(first) or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} samples make no pairs")
    above, below = (np.asarray(side, dtype=np.float64) for side in (first, second))
    quotients = GroupedMedian.of(above / below, groups)
    found = interval(quotients.resampled, (quotients.groups,), seed)
    return Ratio(
        value=quotients.value,
        low=found.low,
        high=found.high,
        of_medians=float(np.median(above) / np.median(below)),
        n=len(above),
        groups=quotients.groups,
        rough=found.rough,
    )


def unpaired_ratio(first: "GroupedMedian", second: "GroupedMedian", seed: int = 0) -> Ratio:
    """Median of the first over median of the second, which have nothing in common: two runs.

    Two-sample bootstrap: the groups of each side are resampled on their own. The interval is
    expanded for the side with fewer groups.
    """

    def quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return first.resampled(above) / second.resampled(below)

    found = interval(quotient, (first.groups, second.groups), seed)
    value = first.value / second.value
    return Ratio(
        value=value,
        low=found.low,
        high=found.high,
        of_medians=value,
        n=min(first.n, second.n),
        groups=min(first.groups, second.groups),
        rough=found.rough,
    )


class GroupedMedian:
    """The median of samples that come in groups, also of any draw of whole groups.

    Made once, then asked for thousands of draws: the samples are sorted once, and the median of a
    draw is found by bisection on how many of the drawn groups' samples lie at or below a value.
    """

    def __init__(self, values: np.ndarray, codes: np.ndarray, groups: int) -> None:
        """`values[i]` belongs to group `codes[i]` of 0 to `groups` - 1; a group may be empty."""
        order = np.argsort(values, kind="stable")
        self.n = len(values)
        self.groups = groups
        self.value = float(np.median(values))
        self._values = values[order]
        self._codes = codes
        self._alone = groups == self.n and len(np.unique(codes)) == groups
        if self._alone:
            self._by_group = values[np.argsort(codes)]
        else:
            member = codes[order][:, None] == np.arange(groups)
            # Row j: how many samples of each group are among the j smallest.
            self._below = np.zeros((self.n + 1, groups), dtype=np.int32)
            np.cumsum(member, axis=0, out=self._below[1:])

    @classmethod
    def of(cls, values: Sequence[float], groups: Sequence[Hashable] | None) -> "GroupedMedian":
        """From samples and the group of each; without groups each sample is its own."""
        numbers = np.asarray(values, dtype=np.float64)
        if groups is None:
            return cls(numbers, np.arange(len(numbers)), len(numbers))
        known = {group: code for code, group in enumerate(dict.fromkeys(groups))}
        return cls(numbers, np.array([known[group] for group in groups]), len(known))

    def resampled(self, drawn: np.ndarray) -> np.ndarray:
        """The median for each row of drawn groups `[R, G]`; of all samples if none were drawn."""
        if self._alone:
            return np.median(self._by_group[drawn], axis=-1)
        total = self._below[-1][drawn].sum(axis=-1)
        lower = self._smallest(drawn, (total + 1) // 2)
        upper = self._smallest(drawn, total // 2 + 1)
        return np.where(total > 0, (lower + upper) / 2, self.value)

    def _smallest(self, drawn: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """The value of rank `rank` `[R]` (from 1) among the samples of the drawn groups."""
        low = np.zeros(len(drawn), dtype=np.int64)
        high = np.full(len(drawn), self.n - 1, dtype=np.int64)
        for _ in range(self.n.bit_length()):
            middle = (low + high) // 2
            enough = self._below[middle[:, None] + 1, drawn].sum(axis=-1) >= rank
            high = np.where(enough, middle, high)
            low = np.where(enough, low, np.minimum(middle + 1, high))
        return self._values[high]


def interval(
    statistic: Statistic,
    groups: tuple[int, ...],
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The expanded percentile interval of `statistic` over draws of groups.

    `groups` has the number of groups of each independent sample; `statistic` takes one array
    `[R, G]` of drawn groups for each.
    """
    fewest = min(groups)
    rough = fewest < ENOUGH_GROUPS
    if fewest < 2:
        return Interval(None, None, True)
    from scipy.stats import bootstrap

    def of(*drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        # SciPy asks once for the groups as they are, then for a batch of draws.
        rows = [np.atleast_2d(draw) for draw in drawn]
        found = statistic(*rows)
        return found[0] if drawn[0].ndim == 1 else found

    # The percentile method: unlike BCa it has an answer where all samples are the same.
    # Draws that divide by zero are infinite, which is told below.
    with np.errstate(invalid="ignore"):
        result = bootstrap(
            tuple(np.arange(count) for count in groups),
            of,
            vectorized=True,
            axis=-1,
            confidence_level=expanded(confidence, fewest),
            n_resamples=_RESAMPLES,
            batch=max(1, _BATCH // max(groups)),
            method="percentile",
            rng=np.random.default_rng(seed),
        )
    found = result.confidence_interval
    if not np.isfinite(found.low) or not np.isfinite(found.high):
        return Interval(None, None, True)
    return Interval(float(found.low), float(found.high), rough)


def expanded(confidence: float, groups: int) -> float:
    """The level at which a percentile interval over `groups` groups covers `confidence`.

    Hesterberg (2015), the expanded percentile interval.
    """
    from scipy.stats import norm, t

    point = t.ppf((1 + confidence) / 2, groups - 1)
    return float(1 - 2 * norm.cdf(-np.sqrt(groups / (groups - 1)) * point))
