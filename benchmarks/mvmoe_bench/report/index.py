"""The lines of one run, sorted by what they say and of whom."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mvmoe_bench.measure.schema.records import (
    Advice,
    Answer,
    BundleRecord,
    Done,
    Failure,
    GraphLoad,
    Held,
    Line,
    Memory,
    Opened,
    Overhead,
    Record,
    Resumed,
    Run,
    Sample,
    Start,
    StreamSample,
    SubjectRecord,
    Yardstick,
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

    def of_kind(self, kind: type[R]) -> list[R]:
        """All lines of one kind of record, in their order."""
        return self._kinds[kind]

    def natural(self, subject: str) -> list[Sample]:
        """Samples that count for latency: unforced ones, or all if the whole input was forced."""
        samples = self.samples.get(subject, [])
        if self.run.inputs.forced:
            return samples
        return [sample for sample in samples if not sample.forced]

    def _makes_sense(self, line: Line) -> bool:
        """Whether a line fits its run: a subject of it, a route for each stage, time that passed.

        Files come from anywhere; what passes here need not be checked again.
        """
        subject = self.subjects.get(getattr(line, "subject", None) or "")
        if subject is None:
            return isinstance(line, Yardstick | Overhead | Advice | Failure | Done | Resumed)
        if isinstance(line, Sample | StreamSample) and line.ns == 0:
            return False
        if isinstance(line, Start) and line.ready == 0:
            return False
        if isinstance(line, Memory):
            return all(_adds_up(held) for held in (line.base, line.loaded, line.released))
        bundle = self.bundles.get(subject.bundle)
        stages = len(bundle.experts) if bundle is not None else 0
        return all(len(part) == stages for part in _by_stage(line))


def _adds_up(held: Held) -> bool:
    """Whether the parts of an amount of memory are its sum; a device may not tell them apart."""
    if held.anonymous is None or held.bundle_files is None:
        return held.anonymous is held.bundle_files
    return held.total == held.anonymous + held.bundle_files


def _by_stage(line: Line) -> list[tuple[object, ...]]:
    """All parts of a line that have an entry for each routed stage."""
    parts: list[tuple[object, ...]] = []
    if isinstance(line, Answer | Sample | StreamSample) and line.routes is not None:
        parts.append(line.routes)
    if isinstance(line, StreamSample):
        parts += [line.cold, line.switched]
    if isinstance(line, Sample | StreamSample) and line.laps is not None:
        parts += [line.laps.select, line.laps.load, line.laps.expert]
    return parts


def _by_subject(lines: Iterable[S]) -> dict[str, list[S]]:
    """Lines by the key of their subject, in their order."""
    result: dict[str, list[S]] = {}
    for line in lines:
        result.setdefault(line.subject, []).append(line)
    return result
