"""What is left of a subject's speed after minutes without a pause, and how warm the device gets."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import get_args

from mvmoe_bench.measure.jobs.sustained import SustainedSample
from mvmoe_bench.measure.schema.records import Thermal
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Figure
from mvmoe_bench.report.timed_series import TimedSeries

STATUSES: tuple[str, ...] = get_args(Thermal)
"""From none to the worst."""

_COMPARED = 1 / 4
"""The share of the time at the beginning and at the end that is compared."""


class Moment(Figure, frozen=True):
    """The answers of some seconds."""

    seconds: float
    """Their end, from the beginning of the run."""
    answers: int
    median_ms: float
    slowest_ms: float
    thermal: str | None
    headroom: float | None
    celsius: float | None


class LongRun(Figure, frozen=True):
    """One subject, answering without a pause."""

    subject: str
    repeat: int
    moments: tuple[Moment, ...]
    first_ms: float
    """The median of the first quarter."""
    last_ms: float
    """The median of the last quarter."""
    slowest_ms: float
    answers: int
    hottest: str | None
    """The worst thermal status; None where the device does not say."""
    hottest_celsius: float | None
    """The warmest that its processor was; None where the device does not say."""
    most_pss: int | None

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.moments[-1].seconds

    @property
    def slowdown(self) -> float:
        """The last quarter over the first."""
        return self.last_ms / self.first_ms

    @property
    def warmest(self) -> str | None:
        """How warm it became, in words; None where the device does not say."""
        if self.hottest is not None or self.hottest_celsius is None:
            return self.hottest
        return f"{self.hottest_celsius:.0f} °C"

    def reached(self, status: str) -> float | None:
        """Seconds until the device was as warm as that; None if it never was."""
        worst = STATUSES.index(status)
        warm = (m for m in self.moments if m.thermal and STATUSES.index(m.thermal) >= worst)
        return next((moment.seconds for moment in warm), None)


def long_runs(index: Index) -> tuple[LongRun, ...] | None:
    """Every long run; None if there was none."""
    found: dict[tuple[str, int], list[SustainedSample]] = {}
    for line in index.of_kind(SustainedSample):
        found.setdefault((line.subject, line.repeat), []).append(line)
    return tuple(_long_run(lines) for lines in found.values()) or None


def timed(index: Index) -> Iterator[TimedSeries]:
    """The answers of every subject that answered without a pause."""
    found: dict[str, list[SustainedSample]] = {}
    for line in index.of_kind(SustainedSample):
        found.setdefault(line.subject, []).append(line)
    for subject, lines in found.items():
        yield TimedSeries(
            subject=subject,
            mode="without a pause",
            of=SustainedSample,
            samples=sum(line.answers for line in lines),
            answering_ns=sum(line.answers * line.median_ns for line in lines),
            medians=None,
            longer="--sustained with more minutes",
        )


def _long_run(lines: Sequence[SustainedSample]) -> LongRun:
    """The lines of one run in their order of time."""
    lines = sorted(lines, key=lambda line: line.at_ns)
    end = lines[-1].at_ns
    compared = _COMPARED * end
    held = [line.pss for line in lines if line.pss is not None]
    warm = [STATUSES.index(line.thermal) for line in lines if line.thermal is not None]
    degrees = [line.celsius for line in lines if line.celsius is not None]
    return LongRun(
        subject=lines[0].subject,
        repeat=lines[0].repeat,
        moments=tuple(map(_moment, lines)),
        first_ms=_median_ms(_within(lines, 0, compared) or lines[:1]),
        last_ms=_median_ms(_within(lines, end - compared, end) or lines[-1:]),
        slowest_ms=max(line.slowest_ns for line in lines) * MS,
        answers=sum(line.answers for line in lines),
        hottest=STATUSES[max(warm)] if warm else None,
        hottest_celsius=max(degrees, default=None),
        most_pss=max(held, default=None),
    )


def _moment(line: SustainedSample) -> Moment:
    """A line for plots."""
    return Moment(
        seconds=line.at_ns * 1e-9,
        answers=line.answers,
        median_ms=line.median_ns * MS,
        slowest_ms=line.slowest_ns * MS,
        thermal=line.thermal,
        headroom=line.headroom,
        celsius=line.celsius,
    )


def _within(
    lines: Sequence[SustainedSample], begin: float, end: float
) -> Sequence[SustainedSample]:
    """The lines that end within these nanoseconds of the run."""
    return [line for line in lines if begin < line.at_ns <= end]


def _median_ms(lines: Sequence[SustainedSample]) -> float:
    """The median of the lines' medians."""
    return median(line.median_ns for line in lines) * MS
