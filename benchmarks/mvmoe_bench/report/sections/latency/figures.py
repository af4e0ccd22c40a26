"""How long an answer takes: the distribution of each subject's samples."""

import numpy as np

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Distribution, Figure, distribution

_BINS = 72


class Histogram(Figure, frozen=True):
    """The shape of a distribution between its 0.5th and 99.5th percentile; others are left out."""

    low: float
    high: float
    counts: tuple[int, ...]
    """Samples in equal bins from `low` to `high`."""


class Latency(Figure, frozen=True):
    """One subject's answers."""

    wall_ms: Distribution
    cpu_ms: Distribution | None
    """What the calling thread computed; None where the device does not say."""
    histogram_ms: Histogram
    max_abs_error: float | None
    """The largest error of a class logit against the reference; None if it was not checked."""


Latencies = dict[str, Latency]
"""By the key of the subject."""


def latencies(index: Index) -> Latencies | None:
    """The latency of every subject that was measured."""
    found = {key: its for key in index.subjects if (its := _latency(index, key)) is not None}
    return found or None


def _latency(index: Index, subject: str) -> Latency | None:
    """The latency of one subject; None if it was not measured."""
    samples = index.natural(subject)
    if not samples:
        return None
    repeats = [sample.repeat for sample in samples]
    wall = [sample.ns * MS for sample in samples]
    cpu = [sample.cpu_ns * MS for sample in samples if sample.cpu_ns is not None]
    seed = index.run.seed
    errors = [
        x.max_abs_error for x in index.answers.get(subject, []) if x.max_abs_error is not None
    ]
    return Latency(
        wall_ms=distribution(wall, repeats, seed),
        cpu_ms=distribution(cpu, repeats, seed) if len(cpu) == len(wall) else None,
        histogram_ms=_histogram(wall),
        max_abs_error=max(errors) if errors else None,
    )


def _histogram(values: list[float]) -> Histogram:
    """Counts in equal bins over all but the outermost hundredth."""
    low, high = np.percentile(values, (0.5, 99.5)).tolist()
    if high <= low:
        return Histogram(low=low, high=high, counts=(len(values),))
    bins = max(8, min(_BINS, 2 * round(len(values) ** 0.5)))
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    return Histogram(low=low, high=high, counts=tuple(counts.tolist()))
