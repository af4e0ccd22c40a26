"""What samples say: distributions, medians and ratios, each with its uncertainty.

The unit of independence is the *repeat*, which is a process. The memory that a process was given
makes all its samples faster or slower together, so two thousand samples of six processes are six
observations, not two thousand. Therefore each repeat is reduced to one number first: the median of
its samples (or of its quotients, or the difference of two of its medians). A figure is the median
of these numbers, and its interval is a bootstrap over them (`scipy.stats.bootstrap`). Each repeat
counts the same, however many samples it has.

Of few numbers the plain percentile interval is too narrow: it has the bias of a variance divided by
n, and the normal distribution's tails in place of Student's. Both are corrected by reading the
percentiles further out (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", the
expanded percentile interval):

    alpha' / 2 = Phi(-sqrt(n / (n - 1)) * t(1 - alpha / 2, n - 1))        for n repeats

Limits: no interval can leave the range of what was observed. The range of n repeats covers a median
in at most 1 - 2 (1/2)^n of all cases: 93.8% with five repeats, 96.9% with six. So an interval over
fewer than `ENOUGH_REPEATS` is called rough, and nothing is concluded from it (`conclusive`): even
if all of five repeats lie on the same side, the two-sided sign test gives 2 (1/2)^5 = 0.0625, above
0.05; six give 0.031. One repeat has no interval. Percentiles such as p99 have none either: too few
repeats hold too few such samples.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import msgspec
import numpy as np

CONFIDENCE = 0.95
ENOUGH_REPEATS = 6
"""The fewest repeats whose range covers a median in 95% of all cases; a verdict needs so many."""
ENOUGH_SAMPLES = {90: 10, 95: 20, 99: 100}
"""By percentile, the fewest samples of which at least one lies beyond it."""
MS = 1e-6
"""Milliseconds in a nanosecond."""
US = 1e-3
"""Microseconds in a nanosecond."""
_RESAMPLES = 2999


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What a summary consists of: plain, immutable data."""


class Estimate(Figure, frozen=True):
    """A number with its 95% interval; the field that holds it says the unit."""

    value: float
    low: float | None
    """None if there is one repeat only, or if a draw of repeats divides by zero."""
    high: float | None
    n: int
    """Samples; of two sides the smaller number."""
    repeats: int
    """The numbers that the interval is taken over."""
    rough: bool
    """True if the repeats are too few for what 95% says."""


class Ratio(Estimate, frozen=True):
    """How many times one thing is another."""

    of_medians: float
    """Median of the first over median of the second, the pairing ignored."""


class Distribution(Estimate, frozen=True):
    """Many samples of one thing, in the samples' unit; `value` is their median.

    Percentiles, mean, least and largest are of all samples of all repeats.
    """

    min: float
    max: float
    mean: float
    mad: float
    """Median absolute deviation from the median, as it is: not scaled to a standard deviation."""
    p5: float
    p25: float
    p75: float
    p90: float
    p95: float
    p99: float

    def few(self, percentile: int) -> bool:
        """Whether a percentile (90, 95, 99) is nearly the largest sample, since there are few."""
        return self.n < ENOUGH_SAMPLES[percentile]


def conclusive(figure: Estimate) -> bool:
    """Whether anything may be concluded: there is an interval, over six repeats or more."""
    return figure.low is not None and figure.high is not None and not figure.rough


@dataclass(frozen=True)
class PerRepeat:
    """One number for each repeat, made of `n` samples in all; empty if nothing was measured."""

    by_repeat: Mapping[Hashable, float]
    """In the order of the repeats' first samples."""
    n: int
    seed: int = 0
    """Of the bootstrap."""

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        repeats: Sequence[Hashable] | None = None,
        seed: int = 0,
        percentile: int = 50,
    ) -> Self:
        """Each repeat's median, or another percentile.

        `repeats[i]` is the repeat of value i (without: each its own).
        """
        found: dict[Hashable, list[float]] = {}
        for number, value in enumerate(values):
            found.setdefault(number if repeats is None else repeats[number], []).append(value)
        numbers = {
            repeat: float(np.percentile(samples, percentile)) for repeat, samples in found.items()
        }
        return cls(numbers, len(values), seed)

    def __bool__(self) -> bool:
        """Whether anything was measured."""
        return bool(self.by_repeat)

    @property
    def numbers(self) -> tuple[float, ...]:
        """One a repeat."""
        return tuple(self.by_repeat.values())

    @property
    def value(self) -> float:
        """The median over repeats."""
        return float(np.median(self.numbers))

    def each(self, function: Callable[..., float], *others: "PerRepeat") -> "PerRepeat":
        """What `function` makes of the numbers of each repeat that all sides have."""
        sides = [self.by_repeat, *(other.by_repeat for other in others)]
        shared = [repeat for repeat in self.by_repeat if all(repeat in side for side in sides)]
        made = {repeat: function(*(side[repeat] for side in sides)) for repeat in shared}
        return replace(self, by_repeat=made)

    def estimate(self) -> Estimate:
        """The median with its interval; raises ValueError without a number."""
        if not self:
            raise ValueError("no samples have no distribution")
        return Estimate(value=self.value, n=self.n, **_interval(np.median, self.seed, self.numbers))

    def estimate_if_any(self) -> Estimate | None:
        """The median with its interval; None without a number."""
        return self.estimate() if self else None


def distribution(
    samples: Sequence[float], repeats: Sequence[Hashable] | None = None, seed: int = 0
) -> Distribution:
    """All figures of samples; `repeats[i]` is the repeat of sample i (without: each its own).

    Raises ValueError without a sample.
    """
    from scipy.stats import median_abs_deviation

    median = PerRepeat.of(samples, repeats, seed).estimate()
    values = np.asarray(samples, dtype=np.float64)
    percentiles = (5, 25, 75, 90, 95, 99)
    points = np.percentile(values, percentiles).tolist()
    return Distribution(
        **msgspec.structs.asdict(median),
        min=float(values.min()),
        max=float(values.max()),
        mean=float(values.mean()),
        mad=float(median_abs_deviation(values)),
        **{f"p{which}": point for which, point in zip(percentiles, points, strict=True)},
    )


def paired_ratio(
    first: Sequence[float],
    second: Sequence[float],
    repeats: Sequence[Hashable] | None = None,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """How many times `first[i]` is `second[i]`: the median over repeats of each one's median.

    What slows the machine for a while slows both members of a pair: their quotient stays the same
    where the medians of the two alone would change. Without `repeats` each pair is its own.
    Raises ValueError if the two are not of the same length, or empty.
    """
    if not len(first) or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} samples make no pairs")
    above, below = (np.asarray(side, dtype=np.float64) for side in (first, second))
    quotients = PerRepeat.of((above / below).tolist(), repeats)
    return Ratio(
        value=quotients.value,
        of_medians=float(np.median(above) / np.median(below)),
        n=quotients.n,
        **_interval(np.median, seed, quotients.numbers, confidence=confidence),
    )


def unpaired_ratio(first: PerRepeat, second: PerRepeat) -> Ratio:
    """How many times one median is another that it has nothing in common with: two runs.

    Two-sample bootstrap: the repeats of each side are resampled independently. The interval is
    expanded for the side with fewer repeats.
    """
    value = first.value / second.value
    return Ratio(
        value=value,
        of_medians=value,
        n=min(first.n, second.n),
        **_interval(_quotient, second.seed, first.numbers, second.numbers),
    )


def _quotient(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    """The quotient of two medians; infinite or not a number where the second is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.median(first, axis) / np.median(second, axis))


def _interval(
    statistic: Callable[..., Any],
    seed: int,
    *samples: Sequence[float],
    confidence: float = CONFIDENCE,
) -> dict[str, Any]:
    """The interval of an `Estimate` and what it is taken over: expanded percentiles, as fields."""
    fewest = min(map(len, samples))
    low = high = None
    if fewest > 1:
        from scipy.stats import bootstrap

        # The percentile method: unlike BCa it has an answer where all numbers are the same.
        with np.errstate(invalid="ignore"):
            found = bootstrap(
                tuple(np.asarray(sample, dtype=np.float64) for sample in samples),
                statistic,
                vectorized=True,
                confidence_level=expanded(confidence, fewest),
                n_resamples=_RESAMPLES,
                method="percentile",
                rng=np.random.default_rng(seed),
            ).confidence_interval
        if np.isfinite([found.low, found.high]).all():
            low, high = float(found.low), float(found.high)
    rough = low is None or fewest < ENOUGH_REPEATS
    return {"low": low, "high": high, "repeats": fewest, "rough": rough}


def expanded(confidence: float, repeats: int) -> float:
    """The level at which a percentile interval over `repeats` numbers covers `confidence`.

    Hesterberg (2015), the expanded percentile interval.
    """
    from scipy.stats import norm, t

    point = t.ppf((1 + confidence) / 2, repeats - 1)
    return float(1 - 2 * norm.cdf(-np.sqrt(repeats / (repeats - 1)) * point))
