"""How long an answer takes: the distribution of each subject's samples."""

import numpy as np

from mvmoe_bench.report.estimates import MS, Figure
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import Distribution, distribution

_BINS = 72


class Histogram(Figure):
    """The shape of a distribution between its 0.5th and 99.5th percentile; others are left out."""

    low: float
    high: float
    counts: tuple[int, ...]
    """Samples in equal bins from `low` to `high`."""


class Latency(Figure):
    """One subject's answers."""

    wall_ms: Distribution
    cpu_ms: Distribution | None
    """What the calling thread computed; None where the device does not say."""
    histogram_ms: Histogram


def latency(index: Index, subject: str) -> Latency | None:
    """The latency of one subject; None if it was not measured."""
    samples = index.natural(subject)
    if not samples:
        return None
    repeats = [sample.repeat for sample in samples]
    wall = [sample.ns * MS for sample in samples]
    cpu = [sample.cpu_ns * MS for sample in samples if sample.cpu_ns is not None]
    seed = index.run.seed
    return Latency(
        wall_ms=distribution(wall, repeats, seed),
        cpu_ms=distribution(cpu, repeats, seed) if len(cpu) == len(wall) else None,
        histogram_ms=_histogram(wall),
    )


def _histogram(values: list[float]) -> Histogram:
    """Counts in equal bins over all but the outermost hundredth."""
    low, high = np.percentile(values, (0.5, 99.5)).tolist()
    if high <= low:
        return Histogram(low=low, high=high, counts=(len(values),))
    bins = max(8, min(_BINS, 2 * round(len(values) ** 0.5)))
    counts, _ = np.histogram(values, bins=bins, range=(low, high))
    return Histogram(low=low, high=high, counts=tuple(counts.tolist()))
