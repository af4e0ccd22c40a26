"""How long an answer takes: the distribution of each subject's samples."""

from collections.abc import Iterator

import numpy as np

from mvmoe_bench.measure.jobs.latency import Sample
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Distribution, Figure
from mvmoe_bench.report.timed_series import TimedSeries

_BINS = 72


class Histogram(Figure, frozen=True):
    """The shape of a distribution between its 0.5th and 99.5th percentile; others are left out."""

    low: float
    high: float
    counts: tuple[int, ...]
    """Samples in bins from `low` to `high`, each as many times as wide as the one before."""

    def edges(self, beyond: int = 0) -> np.ndarray:
        """The edges of the bins, and of so many more beyond both ends; none is below 0."""
        bins = len(self.counts)
        steps = np.arange(-beyond, bins + beyond + 1) / bins
        return np.asarray(self.low * (self.high / self.low) ** steps)


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
    measured = {key: index.natural(key) for key in index.subjects}
    found = {key: _latency(index, key, samples) for key, samples in measured.items() if samples}
    return found or None


def timed(index: Index) -> Iterator[TimedSeries]:
    """The warm answers of every subject."""
    for key in index.subjects:
        samples = index.natural(key)
        if samples:
            yield TimedSeries(
                subject=key,
                mode="warm answers",
                of=Sample,
                samples=len(samples),
                answering_ns=sum(sample.ns for sample in samples),
                medians=index.per_repeat(samples, lambda sample: sample.ns),
                longer="--preset rigorous, which lasts longest",
            )


def _latency(index: Index, subject: str, samples: list[Sample]) -> Latency:
    """The latency of one subject."""
    errors = [line.max_abs_error for line in index.answers.get(subject, [])]
    timed = all(sample.cpu_ns is not None for sample in samples)
    return Latency(
        wall_ms=index.distribution(samples, lambda sample: sample.ns * MS),
        cpu_ms=index.distribution(samples, lambda s: (s.cpu_ns or 0) * MS) if timed else None,
        histogram_ms=_histogram([sample.ns * MS for sample in samples]),
        max_abs_error=max((error for error in errors if error is not None), default=None),
    )


def _histogram(values: list[float]) -> Histogram:
    """Counts over all but the outermost hundredth."""
    low, high = np.percentile(values, (0.5, 99.5)).tolist()
    if high <= low:
        return Histogram(low=low, high=high, counts=(len(values),))
    bins = max(8, min(_BINS, 2 * round(len(values) ** 0.5)))
    counts, _ = np.histogram(np.log(values), bins=bins, range=(np.log(low), np.log(high)))
    return Histogram(low=low, high=high, counts=tuple(counts.tolist()))
