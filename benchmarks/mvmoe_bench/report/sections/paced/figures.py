"""What an answer takes when frames come at a fixed rate, with idle time between."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mvmoe_bench.measure.jobs.paced import PacedSample
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import MS, Distribution, Figure, Ratio, unpaired_ratio
from mvmoe_bench.report.timed_series import TimedSeries


class Paced(Figure, frozen=True):
    """One subject's answers to frames."""

    rate: float
    """Frames a second."""
    answer_ms: Distribution
    seen_ms: Distribution
    """From when a frame came to its answer: with waking up, or the answer before."""
    missed: float
    """The share of the frames that came while an answer was at work, and that had none."""
    over_warm: Ratio | None
    """The median over that of warm answers of the same run; None if these were not measured."""


def paced(index: Index) -> dict[str, Paced] | None:
    """Every subject that answered frames; None if none did."""
    return {key: _paced(index, key, lines) for key, lines in _by_subject(index).items()} or None


def timed(index: Index) -> Iterator[TimedSeries]:
    """The answers of every subject that answered frames."""
    for key, lines in _by_subject(index).items():
        yield TimedSeries(
            subject=key,
            mode="paced",
            of=PacedSample,
            samples=len(lines),
            answering_ns=sum(line.ns for line in lines),
            medians=index.per_repeat(lines, lambda line: line.ns),
            longer="--paced with more minutes",
        )


def _by_subject(index: Index) -> dict[str, list[PacedSample]]:
    """All lines by the key of their subject."""
    found: dict[str, list[PacedSample]] = {}
    for line in index.of_kind(PacedSample):
        found.setdefault(line.subject, []).append(line)
    return found


def _paced(index: Index, key: str, lines: Sequence[PacedSample]) -> Paced:
    """The answers of one subject."""
    ours = index.per_repeat(lines, lambda line: line.ns)
    warm = index.per_repeat(index.natural(key), lambda sample: sample.ns)
    return Paced(
        rate=index.run.preset.rate,
        answer_ms=index.distribution(lines, lambda line: line.ns * MS),
        seen_ms=index.distribution(lines, lambda line: (line.late_ns + line.ns) * MS),
        missed=_missed(lines),
        over_warm=unpaired_ratio(ours, warm) if warm else None,
    )


def _missed(lines: Sequence[PacedSample]) -> float:
    """The share of frames without an answer, up to the last that has one in each repeat."""
    last: Counter[int] = Counter()
    for line in lines:
        last[line.repeat] = max(last[line.repeat], line.frame + 1)
    return 1 - len(lines) / max(sum(last.values()), len(lines))
