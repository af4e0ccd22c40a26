"""What is left of a subject's speed after minutes without a pause, and how warm the device gets."""

from collections.abc import Sequence
from statistics import median
from typing import get_args

from mvmoe_bench.measure.jobs.sustained import SustainedSample, Thermal
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Figure

STATUSES: tuple[str, ...] = get_args(Thermal)
"""From none to the worst."""

_COMPARED = 60.0
"""Seconds at the beginning and at the end that are compared; of short runs a third."""


class Moment(Figure, frozen=True):
    """The answers of some seconds."""

    seconds: float
    """Their end, from the beginning of the run."""
    answers: int
    median_ms: float
    slowest_ms: float
    thermal: str | None
    headroom: float | None


class LongRun(Figure, frozen=True):
    """One subject, answering without a pause."""

    subject: str
    repeat: int
    moments: tuple[Moment, ...]
    first_ms: float
    """The median of the first minute."""
    last_ms: float
    """The median of the last minute."""
    slowest_ms: float
    answers: int
    hottest: str | None
    """The worst thermal status; None where the device does not say."""
    most_pss: int | None

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.moments[-1].seconds

    @property
    def slowdown(self) -> float:
        """The last minute over the first."""
        return self.last_ms / self.first_ms

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


def _long_run(lines: Sequence[SustainedSample]) -> LongRun:
    """The lines of one run in their order of time."""
    lines = sorted(lines, key=lambda line: line.at_ns)
    end = lines[-1].at_ns * 1e-9
    compared = min(_COMPARED, end / 3)
    held = [line.pss for line in lines if line.pss is not None]
    warm = [STATUSES.index(line.thermal) for line in lines if line.thermal is not None]
    return LongRun(
        subject=lines[0].subject,
        repeat=lines[0].repeat,
        moments=tuple(map(_moment, lines)),
        first_ms=_median_ms(_within(lines, 0, compared) or lines[:1]),
        last_ms=_median_ms(_within(lines, end - compared, end) or lines[-1:]),
        slowest_ms=max(line.slowest_ns for line in lines) * MS,
        answers=sum(line.answers for line in lines),
        hottest=STATUSES[max(warm)] if warm else None,
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
    )


def _within(
    lines: Sequence[SustainedSample], begin: float, end: float
) -> Sequence[SustainedSample]:
    """The lines that end within so many seconds of the run."""
    return [line for line in lines if begin < line.at_ns * 1e-9 <= end]


def _median_ms(lines: Sequence[SustainedSample]) -> float:
    """The median of the lines' medians."""
    return median(line.median_ns for line in lines) * MS
