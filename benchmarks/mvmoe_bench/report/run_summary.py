"""All figures of one run: what `mvmoe bench --json` prints and every report shows."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from mvmoe_bench.measure.schema.records import (
    BundleRecord,
    EngineChoice,
    Failure,
    InputRecord,
    Preset,
    Resumed,
    SubjectRecord,
)
from mvmoe_bench.report.formatting import count
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.section_part import Point, SectionPart, section_parts
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, Figure
from mvmoe_bench.report.subjects import is_product, short_names, subject_colours

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

F = TypeVar("F")


class BundleFigure(Figure, frozen=True):
    """One bundle; its targets' sizes and verification are in the sections of these."""

    name: str
    sha256: str
    model: str
    family: str
    params_total: int
    params_active: int
    macs: int
    """Multiply-accumulates that one image needs."""
    routed_stages: int
    experts: tuple[int, ...]
    """By routed stage."""


class SubjectFigure(SubjectRecord, frozen=True, kw_only=True):
    """Who was measured; its measurements are in the sections."""

    engine: EngineChoice
    """What it really got; what was requested if it was never opened."""
    failures: tuple[str, ...]


class FailureFigure(Figure, frozen=True):
    """Something that failed."""

    subject: str | None
    message: str
    times: int


class Summary(Figure, frozen=True, dict=True):
    """All figures of one run."""

    id: str
    started: str
    device: str
    identity: dict[str, Any]
    preset: Preset
    seed: int
    threads: int
    inputs: InputRecord
    repeats: int
    """Latency repeats that were measured, of all runs that were merged."""
    main: str | None
    """Key of the subject that the sentences are about: the first product, or what was measured."""
    warnings: tuple[str, ...]
    failures: tuple[FailureFigure, ...]
    notes: tuple[str, ...]
    resumed: int
    skipped: int
    """Lines of the file that were damaged, or did not fit their run."""
    bundles: tuple[BundleFigure, ...]
    subjects: tuple[SubjectFigure, ...]
    sections: dict[str, Any]
    """The figures of each section that has any, by the section's name."""

    @cached_property
    def names(self) -> Mapping[str, str]:
        """A short name for each subject's key."""
        return short_names(self.subjects)

    @cached_property
    def colours(self) -> Mapping[str, str]:
        """The name of a colour for each subject's key; no two have one."""
        return subject_colours(self.subjects)

    @property
    def main_subject(self) -> SubjectFigure | None:
        """The subject that the sentences are about."""
        return next((subject for subject in self.subjects if subject.key == self.main), None)

    def of(self, section: SectionPart[F]) -> F | None:
        """The figures of a section; None if it has none."""
        found: F | None = self.sections.get(section.name)
        return found

    def measured(self) -> list[tuple[SectionPart[Any], Any]]:
        """The sections that have figures, with these, in the order of the page."""
        found = ((part, self.of(part)) for part in section_parts())
        return [(part, figures) for part, figures in found if figures is not None]

    def headline(self) -> tuple[Point, ...]:
        """What somebody who reads nothing else should know, one point a topic."""
        topics: dict[str, list[str]] = {}
        if self.main is None:
            topics["Speed"] = ["This run holds no latency measurements."]
        for part, figures in self.measured():
            for point in part.sentences(self, figures):
                topics.setdefault(point.topic, []).append(point.text)
        return tuple(
            Point(topic=topic, text=" ".join(sentences)) for topic, sentences in topics.items()
        )

    def recommendations(self) -> tuple[Point, ...]:
        """What to do, one sentence a question, in the order of the sections."""
        return tuple(
            point
            for part, figures in self.measured()
            for point in part.recommendations(self, figures)
        )

    def with_headline(self, results: str) -> "MeasuredRun":
        """The summary of the results file at the path `results`, with its headline."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return MeasuredRun(
            results=results, points=self.headline(), advised=self.recommendations(), **fields
        )


class MeasuredRun(Summary, frozen=True):
    """The result of `mvmoe bench`."""

    results: str
    """The path of the results file."""
    points: tuple[Point, ...] = msgspec.field(name="headline")
    advised: tuple[Point, ...] = msgspec.field(name="recommendations")


def summarize_run(run: "RunLines") -> Summary:
    """Compute every figure of one run; a section without measurements is left out."""
    index = Index(run)
    parts = section_parts()
    found = {part.name: figures for part in parts if (figures := part.figures(index)) is not None}
    shown = [(part, found[part.name]) for part in parts if part.name in found]
    warned = [text for part, figures in shown for text in part.warnings(figures)]
    first = index.run
    return Summary(
        id=first.id,
        started=first.started,
        device=first.device,
        identity=first.identity,
        preset=first.preset,
        seed=first.seed,
        threads=first.threads,
        inputs=first.inputs,
        repeats=len({sample.repeat for samples in index.samples.values() for sample in samples}),
        main=_main(index),
        warnings=(*warned, *_warnings(index)),
        failures=_failures(index),
        notes=first.notes,
        resumed=len(index.of_kind(Resumed)),
        skipped=index.skipped,
        bundles=tuple(map(_bundle, first.bundles)),
        subjects=tuple(_subject(index, record) for record in first.subjects),
        sections=found,
    )


def _main(index: Index) -> str | None:
    """The first product whose latency was measured, or the first subject of which it was."""
    measured = [s for s in index.run.subjects if index.natural(s.key)]
    return next((s.key for s in (*filter(is_product, measured), *measured)), None)


def _bundle(record: BundleRecord) -> BundleFigure:
    """What all sections may say of a bundle."""
    fields = {**msgspec.structs.asdict(record), "routed_stages": len(record.experts)}
    return msgspec.convert(fields, BundleFigure)


def _subject(index: Index, record: SubjectRecord) -> SubjectFigure:
    """A subject with the engine that it got and its failures."""
    opened = index.opened.get(record.key, [])
    return SubjectFigure(
        **msgspec.structs.asdict(record),
        engine=opened[-1].actual if opened else record.requested,
        failures=tuple(x.message for x in index.of_kind(Failure) if x.subject == record.key),
    )


def _failures(index: Index) -> tuple[FailureFigure, ...]:
    """Failures, equal ones counted."""
    counts = Counter((line.subject, line.message) for line in index.of_kind(Failure))
    return tuple(
        FailureFigure(subject=subject, message=message, times=times)
        for (subject, message), times in counts.items()
    )


def _warnings(index: Index) -> list[str]:
    """What a reader must know before believing a number."""
    found = []
    repeats = {sample.repeat for samples in index.samples.values() for sample in samples}
    if 0 < len(repeats) < ENOUGH_REPEATS:
        found.append(
            f"Only {count(len(repeats), 'repeat')} of the latency measurement: a bootstrap over "
            f"fewer than {ENOUGH_REPEATS} repeats gives rough intervals, which are too narrow on "
            "average, and nothing is concluded from them."
        )
    if not repeats:
        found.append("No latency was measured: the run ended early, or measured other things only.")
    if index.skipped:
        found.append(
            f"{count(index.skipped, 'line')} of the results file could not be used (truncated, "
            "damaged or out of place) and were left out."
        )
    replaced = _other_engines(index)
    if replaced:
        found.append("An engine did not run where it was asked to: " + "; ".join(replaced) + ".")
    return found


def _other_engines(index: Index) -> list[str]:
    """Subjects whose engine took another provider or unit than was requested, each once."""
    seen: dict[str, str] = {}
    for key, lines in index.opened.items():
        wanted = index.subjects[key].requested
        for line in lines:
            asked, got = wanted.provider, line.actual.provider
            if asked is not None and got is not None and asked != got:
                seen[key] = f"{key} asked for {asked} and got {got}"
    return list(seen.values())
