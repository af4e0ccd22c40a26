"""What samples say: percentiles of one subject, and ratios of two with their uncertainty.

Knows numbers only; where they come from is the protocol's affair.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

PERCENTILES = (5, 50, 90, 95, 99)
CONFIDENCE = 0.95
_RESAMPLES = 2999


@dataclass(frozen=True)
class Ratio:
    """How many times one thing is another, over paired measurements."""

    value: float
    """The median over pairs of first / second."""
    low: float | None
    """Lower end of the 95% interval; None for a single pair."""
    high: float | None
    of_medians: float
    """Median of the first over median of the second, the pairing ignored."""
    n: int
    """Pairs."""
    groups: int
    """Groups of pairs; the interval is taken over them."""


def percentiles(samples: Sequence[float]) -> dict[str, float]:
    """`n`, `median` and `p5` ... `p99` of samples, in the samples' unit.

    Between two samples the value is interpolated linearly.
    """
    points = np.percentile(np.asarray(samples, dtype=np.float64), PERCENTILES)
    named = {f"p{point}": float(value) for point, value in zip(PERCENTILES, points, strict=True)}
    return {"n": len(samples), "median": float(np.median(samples)), **named}


def paired_ratio(
    first: Sequence[float],
    second: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Ratio:
    """The median of `first[i] / second[i]`, with a bootstrap interval.

    What slows the machine for a while slows both members of a pair: their quotient keeps still
    where the medians of the two alone would wander. `groups[i]` says what pair i has in common
    with others, such as the memory that one opening of the graphs was given: whole groups are
    resampled then (cluster bootstrap; Davison and Hinkley 1997, section 3.8). Without groups, or
    with one only, pairs are.
    """
    if not len(first) or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} samples make no pairs")
    above, below = (np.asarray(side, dtype=np.float64) for side in (first, second))
    quotients = above / below
    members = _members(groups, len(quotients))
    low, high = _interval(quotients, members, seed)
    return Ratio(
        value=float(np.median(quotients)),
        low=low,
        high=high,
        of_medians=float(np.median(above) / np.median(below)),
        n=len(quotients),
        groups=len(members),
    )


def _members(groups: Sequence[Hashable] | None, count: int) -> list[np.ndarray]:
    """Positions of the pairs of each group; every pair by itself if there are not two groups."""
    result: dict[Hashable, list[int]] = {}
    for position, group in enumerate(groups if groups is not None else range(count)):
        result.setdefault(group, []).append(position)
    if len(result) < 2:
        return [np.array([position]) for position in range(count)]
    return [np.array(positions) for positions in result.values()]


def _interval(
    quotients: np.ndarray, members: list[np.ndarray], seed: int
) -> tuple[float | None, float | None]:
    """The bootstrap interval of the median of quotients; there is none of a single pair."""
    if len(members) < 2:
        return None, None
    from scipy.stats import bootstrap

    def of(chosen: np.ndarray) -> float:
        return float(np.median(quotients[np.concatenate([members[group] for group in chosen])]))

    # The percentile method: unlike BCa it has an answer where all quotients are the same.
    result = bootstrap(
        (np.arange(len(members)),),
        of,
        vectorized=False,
        confidence_level=CONFIDENCE,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
