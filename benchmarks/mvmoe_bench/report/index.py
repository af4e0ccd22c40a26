"""The lines of one run, sorted by what they say and of whom."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.latency import Opened, Sample
from mvmoe_bench.measure.jobs.memory import Memory
from mvmoe_bench.measure.jobs.preparation import PreparationSample
from mvmoe_bench.measure.jobs.start import GraphLoad, Start
from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.schema.records import (
    BundleRecord,
    Record,
    Run,
    SubjectRecord,
)
from mvmoe_bench.report.statistics import (
    ENOUGH_SAMPLES,
    Distribution,
    PerRepeat,
    Ratio,
    distribution,
    paired_ratio,
)

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

R = TypeVar("R", bound=Record)


class _OfSubject(Protocol):
    """A line that is of one subject."""

    @property
    def subject(self) -> str:
        """The subject's key."""


S = TypeVar("S", bound=_OfSubject)


class _OfRepeat(Protocol):
    """A line that was measured in one repeat."""

    @property
    def repeat(self) -> int:
        """Its number."""


L = TypeVar("L", bound=_OfRepeat)


class Index:
    """Lines of one run by kind; most of them also by the key of their subject."""

    def __init__(self, lines: "RunLines") -> None:
        """Sorts once; nothing is computed."""
        self.run: Run = lines.run
        self.path = lines.path
        self.bundles: dict[str, BundleRecord] = {b.name: b for b in self.run.bundles}
        self.subjects: dict[str, SubjectRecord] = {s.key: s for s in self.run.subjects}
        self.skipped = lines.skipped
        self._kinds: dict[type, list[Any]] = defaultdict(list)
        for line in lines.lines:
            if self._makes_sense(line):
                self._kinds[type(line)].append(line)
            else:
                self.skipped += 1
        self.samples = _by_subject(self.of_kind(Sample))
        self.opened = _by_subject(self.of_kind(Opened))
        self.answers = _by_subject(self.of_kind(Answer))
        self.starts = _by_subject(self.of_kind(Start))
        self.loads = _by_subject(self.of_kind(GraphLoad))
        self.memory = _by_subject(self.of_kind(Memory))
        self.stream = _by_subject(self.of_kind(StreamSample))
        self.preparation = _by_subject(self.of_kind(PreparationSample))

    def of_kind(self, kind: type[R]) -> list[R]:
        """All lines of one kind of record, in their order."""
        return self._kinds[kind]

    def natural(self, subject: str) -> list[Sample]:
        """Samples that count for latency: unforced ones, or all if the whole input was forced."""
        samples = self.samples.get(subject, [])
        if self.run.inputs.forced:
            return samples
        return [sample for sample in samples if not sample.forced]

    def per_repeat(self, lines: Iterable[L], take: Callable[[L], float | None]) -> PerRepeat:
        """Each repeat's median of what `take` gives of its lines; those without it are left out."""
        found = [(value, line.repeat) for line in lines if (value := take(line)) is not None]
        return PerRepeat.of([x for x, _ in found], [repeat for _, repeat in found], self.run.seed)

    def tail(self, lines: Sequence[L], take: Callable[[L], float], percentile: int) -> PerRepeat:
        """Each repeat's percentile (90, 95, 99); repeats of too few lines for it are left out."""
        counts = Counter(line.repeat for line in lines)
        kept = [line for line in lines if counts[line.repeat] >= ENOUGH_SAMPLES[percentile]]
        repeats = [line.repeat for line in kept]
        return PerRepeat.of([take(line) for line in kept], repeats, self.run.seed, percentile)

    def distribution(self, lines: Sequence[L], take: Callable[[L], float]) -> Distribution:
        """All figures of what `take` gives of lines."""
        values = [take(line) for line in lines]
        return distribution(values, [line.repeat for line in lines], self.run.seed)

    def paired_ratio(
        self, first: str, second: str, take: Callable[[Sample], float | None]
    ) -> Ratio | None:
        """How many times one subject takes another's, round by round, in what `take` gives.

        None if no round has both.
        """
        above, below = (
            {
                (sample.repeat, sample.round): value
                for sample in self.natural(subject)
                if (value := take(sample)) is not None
            }
            for subject in (first, second)
        )
        rounds = [key for key, value in above.items() if below.get(key) and value]
        if not rounds:
            return None
        return paired_ratio(
            [above[key] for key in rounds],
            [below[key] for key in rounds],
            [repeat for repeat, _ in rounds],
            self.run.seed,
        )

    def _makes_sense(self, line: Record) -> bool:
        """Whether a line fits its run: a subject of it, a route for each stage, time that passed.

        Files come from anywhere; what passes here need not be checked again.
        """
        key = getattr(line, "subject", None)
        if key is None:
            return line.is_plausible()
        subject = self.subjects.get(key)
        bundle = self.bundles.get(subject.bundle) if subject is not None else None
        stages = len(bundle.experts) if bundle is not None else 0
        whole = all(len(entries) == stages for entries in line.by_stage())
        return subject is not None and whole and line.is_plausible()


def _by_subject(lines: Iterable[S]) -> dict[str, list[S]]:
    """Lines by the key of their subject, in their order."""
    result: dict[str, list[S]] = {}
    for line in lines:
        result.setdefault(line.subject, []).append(line)
    return result
