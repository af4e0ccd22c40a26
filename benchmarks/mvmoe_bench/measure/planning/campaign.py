"""The jobs of a run, in order: answers first, because other jobs need the routes they tell.

Kinds of jobs take turns from repeat to repeat, so that a machine that changes its mind changes it
for all of them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mvmoe_bench.measure.devices.contract import Device
from mvmoe_bench.measure.planning.choosing import Chosen
from mvmoe_bench.measure.planning.inputs import Inputs
from mvmoe_bench.measure.planning.models import Models
from mvmoe_bench.measure.planning.queries import Questions, budgets
from mvmoe_bench.measure.progress import Bars
from mvmoe_bench.measure.protocol import rotated
from mvmoe_bench.measure.schema.orders import Kind, Order, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Answer, Done, Failure, Line, Preset, Routes
from mvmoe_bench.measure.schema.results import Output
from mvmoe_deploy.bundle import Bundle

WHOLE_RUN = "run"
"""The job that ends with all others: nothing is left to resume."""

_CHECKED = 16
"""Images on which the rivals' answers are compared with PyTorch's."""
_STATIC = "static"
_STARTED = ("dispatcher", "static", "all-experts")
"""Subjects of a target whose start and memory are measured, each in a process of its own."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a campaign measures, where, and with what."""

    device: Device
    subjects: tuple[Chosen, ...]
    preset: Preset
    inputs: Inputs
    images: Path
    """The `.npy` file of the inputs."""
    questions: dict[str, Questions]
    """By bundle."""
    models: Models


@dataclass(frozen=True)
class _Job:
    """One order to come; its subjects are told when its turn has come."""

    name: str
    kind: Kind
    repeat: int
    subjects: Callable[[], Iterable[SubjectOrder]]


class Campaign:
    """One run's jobs, and what is known meanwhile: routes, failures, where graphs are."""

    def __init__(self, setting: Setting, out: Output, known: Iterable[Line]) -> None:
        self._setting = setting
        self._out = out
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._answers: dict[str, dict[int, Answer]] = {}
        self._roots: dict[str, str] = {}
        for line in known:
            self._learn(line)

    def run(self, shown: Bars) -> None:
        """Do every job that is not done; raises what the device raises, KeyboardInterrupt too."""
        self._once("advice", self._advise)
        dispatchers = [subject for subject in self._setting.subjects if subject.dispatches]
        rivals = [subject for subject in self._setting.subjects if not subject.dispatches]
        told = shown.phase("answers and graphs to compare with", len(rivals) + 2)
        self._do(_Job("answers", "answers", 0, partial(self._asked_once, dispatchers)))
        self._once("answers judged", partial(self._judge, "answers judged", dispatchers))
        told()
        for subject in rivals:
            self._prepare(subject)
            told()
        self._do(_Job("checks", "answers", 0, partial(self._asked_once, rivals)))
        self._once("checks judged", partial(self._judge, "checks judged", rivals))
        told()
        jobs = [*self._placements(), *self._measurements()]
        told = shown.phase("measure", len(jobs))
        for job in jobs:
            self._do(job)
            told()
        self._finish(WHOLE_RUN)

    def _do(self, job: _Job) -> None:
        """Give the device an order, unless a run before this one has done it."""
        if job.name in self._done:
            return
        subjects = tuple(job.subjects())
        if subjects:
            time.sleep(self._setting.preset.cooldown)
            self._setting.device.run(self._order(job, subjects), self._take)
        self._finish(job.name)

    def _once(self, name: str, work: Callable[[], None]) -> None:
        """Do what needs no device, unless it is done."""
        if name not in self._done:
            work()
            self._finish(name)

    def _finish(self, job: str) -> None:
        """Note that a job ended."""
        self._take(Done(job=job, load_average=self._setting.device.load_average()))

    def _take(self, line: Line) -> None:
        """Write a line down, and remember what other jobs need of it."""
        self._out.write(line)
        self._learn(line)

    def _learn(self, line: Line) -> None:
        if isinstance(line, Done):
            self._done.add(line.job)
        elif isinstance(line, Failure) and line.subject is not None:
            self._failed.add(line.subject)
        elif isinstance(line, Answer):
            self._answers.setdefault(line.subject, {})[line.image] = line

    def _order(self, job: _Job, subjects: tuple[SubjectOrder, ...]) -> Order:
        """What one process is told."""
        answering = job.kind == "answers"
        references = self._references() if answering else {}
        return Order(
            job=job.name,
            kind=job.kind,
            repeat=job.repeat,
            preset=self._setting.preset,
            images=str(self._setting.images),
            names=self._setting.inputs.names if answering else (),
            labels=self._setting.inputs.labels if answering else (),
            reference={s.key: references[s.key] for s in subjects if s.key in references},
            subjects=subjects,
        )

    def _subject(
        self, subject: Chosen, queries: Sequence[Query], budget: int | None = None
    ) -> SubjectOrder:
        """A subject and what it is asked."""
        variant = subject.variant
        return SubjectOrder(
            key=subject.key,
            kind=subject.kind.name,
            root=self._roots.get(subject.key) or str(subject.bundle.path.resolve()),
            manifest_sha256=subject.bundle.manifest_sha256,
            target=subject.target,
            engine_options=variant.engine_options,
            engine_modules=variant.engine_modules,
            requested=variant.requested,
            threads=subject.record.threads,
            budget=budget,
            config=self._setting.models.config,
            weights=self._setting.models.weights_of(subject.bundle.manifest),
            queries=tuple(queries),
        )

    def _alive(self, subjects: Iterable[Chosen]) -> list[Chosen]:
        """Those that have not failed."""
        return [subject for subject in subjects if subject.key not in self._failed]

    # Before anything is timed.

    def _advise(self) -> None:
        """What the placement advisor thinks of each bundle; its failure stops nothing."""
        from mvmoe_bench.advice.isolated import advise_isolated

        targets: dict[str, dict[str, Bundle]] = {}
        for subject in self._setting.subjects:
            if subject.target is not None:
                targets.setdefault(subject.record.bundle, {})[subject.target] = subject.bundle
        for name, found in targets.items():
            bundle = next(iter(found.values()))
            try:
                lines: list[Line] = [*advise_isolated(bundle, tuple(found), name=name)]
            except Exception as error:  # It reads the files of several engines' tools.
                lines = [Failure(job="advice", subject=None, message=_first_line(error))]
            for line in lines:
                self._take(line)

    def _asked_once(self, subjects: Iterable[Chosen]) -> Iterator[SubjectOrder]:
        """Every image once; a few of them for rivals, if their answers mean anything."""
        for subject in self._alive(subjects):
            if subject.dispatches:
                yield self._subject(subject, self._of(subject).once())
            elif subject.kind.answers is not None:
                queries = self._known_routes(subject, self._of(subject).once()[:_CHECKED])
                yield self._subject(subject, queries)

    def _references(self) -> dict[str, str]:
        """By subject, the file of what PyTorch answers to each image."""
        setting = self._setting
        found = {}
        for subject in self._alive(setting.subjects):
            if subject.kind.answers is not None:
                imposed = subject.kind.answers == "imposed" and self._of(subject).forced
                path = setting.models.reference(subject.record.bundle, imposed)
                if path is not None:
                    found[subject.key] = str(path)
        return found

    def _judge(self, job: str, subjects: Iterable[Chosen]) -> None:
        """Subjects that answer otherwise than PyTorch are not worth timing."""
        for subject in self._alive(subjects):
            answers = self._answers.get(subject.key, {}).values()
            message = self._setting.models.judge(subject, list(answers))
            if message is not None:
                self._take(Failure(job=job, subject=subject.key, message=message))

    def _prepare(self, subject: Chosen) -> None:
        """Export what a rival is made from."""
        if subject.key in self._failed:
            return
        try:
            routes = self._all_routes(subject)
            self._roots[subject.key] = self._setting.models.prepare(subject, routes)
        except Exception as error:  # An exporter may raise anything: the others go on.
            message = _first_line(error)
            self._take(Failure(job="prepare", subject=subject.key, message=message))

    # What is asked.

    def _of(self, subject: Chosen) -> Questions:
        """The questions of a subject's bundle."""
        return self._setting.questions[subject.record.bundle]

    def _routes_of_images(self, subject: Chosen) -> list[Routes] | None:
        """The routes that the dispatcher of a subject's target gave the images; None if unknown."""
        mates = [
            other
            for other in self._setting.subjects
            if other.dispatches
            and other.record.bundle == subject.record.bundle
            and subject.target in (other.target, None)
        ]
        for mate in mates:
            answers = self._answers.get(mate.key, {})
            if len(answers) == len(self._setting.inputs.images):
                return [answers[image].routes or () for image in range(len(answers))]
        return None

    def _known_routes(self, subject: Chosen, queries: Sequence[Query]) -> list[Query]:
        """The same questions with the routes that images take, where they are known."""
        known = self._routes_of_images(subject)
        if known is None or self._of(subject).forced:
            return list(queries)
        return [Query(image=query.image, routes=known[query.image]) for query in queries]

    def _round_queries(self, subject: Chosen, repeat: int) -> list[Query]:
        """What a subject is asked in a repeat; a dispatcher also what covers all its routes."""
        questions, preset = self._of(subject), self._setting.preset
        known = self._routes_of_images(subject)
        queries = questions.rounds(preset, repeat, known)
        if subject.dispatches and known is not None and not questions.forced:
            record = subject.bundle.target(subject.target)
            queries += questions.coverage(record, known, preset, repeat)
        return queries

    def _all_routes(self, subject: Chosen) -> list[Routes]:
        """All routes that a rival will be asked for."""
        preset = self._setting.preset
        queries = self._known_routes(subject, self._of(subject).once()[:_CHECKED])
        for repeat in range(preset.repeats):
            queries += self._round_queries(subject, repeat)
        queries += self._known_routes(subject, self._of(subject).sequence(preset.queries))
        return sorted({query.routes for query in queries if query.routes is not None})

    # What is timed.

    def _placements(self) -> Iterator[_Job]:
        """Where each engine puts its operators."""
        subjects = [subject for subject in self._setting.subjects if subject.dispatches]
        yield _Job("placement", "placement", 0, partial(self._placed, subjects))

    def _placed(self, subjects: Iterable[Chosen]) -> Iterator[SubjectOrder]:
        return (self._subject(subject, ()) for subject in self._alive(subjects))

    def _measurements(self) -> Iterator[_Job]:
        """Latency, starts, memory and residency of one repeat, then of the next."""
        preset = self._setting.preset
        for repeat in range(max(preset.repeats, preset.starts)):
            if repeat < preset.repeats:
                turn = partial(self._latency, repeat)
                yield _Job(f"latency:{repeat}", "latency", repeat, turn)
            if repeat < preset.starts:
                yield from self._fresh(repeat)

    def _latency(self, repeat: int) -> Iterator[SubjectOrder]:
        """Everything that is alive, side by side."""
        for subject in self._alive(self._setting.subjects):
            yield self._subject(subject, self._round_queries(subject, repeat))

    def _fresh(self, repeat: int) -> Iterator[_Job]:
        """The jobs of one subject each, the subjects in rotated order."""
        started = [s for s in self._setting.subjects if s.kind.name in _STARTED]
        for subject in rotated(started, repeat):
            name = f"start:{subject.key}:{repeat}"
            yield _Job(name, "start", repeat, partial(self._alone, subject, None))
            for budget in self._memory_budgets(subject, repeat):
                name = f"memory:{subject.key}:{budget or 'all'}:{repeat}"
                yield _Job(name, "memory", repeat, partial(self._alone, subject, budget))
        if not self._setting.preset.stream:
            return
        # A bundle without experts has nothing to stream: no budget of residency differs.
        for subject in rotated([s for s in started if self._budgets(s)], repeat):
            name = f"stream:{subject.key}:{repeat}"
            yield _Job(name, "stream", repeat, partial(self._stream, subject, repeat))

    def _memory_budgets(self, subject: Chosen, repeat: int) -> tuple[int | None, ...]:
        """One expert and all of them in every repeat, what is between only once, if at all."""
        found = self._budgets(subject)
        if not found:
            return (None,)
        whole = repeat == 0 and self._setting.preset.stream
        return found if whole else tuple(sorted({found[0], found[-1]}))

    def _budgets(self, subject: Chosen) -> tuple[int, ...]:
        """The residency budgets of a dispatcher; none for others."""
        return budgets(subject.bundle.target(subject.target)) if subject.dispatches else ()

    def _alone(self, subject: Chosen, budget: int | None) -> Iterator[SubjectOrder]:
        """One subject, asked what everybody is asked first.

        The static graph knows one route: it is asked for that route's images alone.
        """
        if subject.key not in self._failed:
            asked = self._of(subject).sequence(self._setting.preset.queries)
            asked = self._known_routes(subject, asked)
            if subject.kind.name == _STATIC:
                asked = [query for query in asked if query.routes == asked[0].routes]
            yield self._subject(subject, asked, budget)

    def _stream(self, subject: Chosen, repeat: int) -> Iterator[SubjectOrder]:
        """The sequence with each budget, beginning with another one in each repeat."""
        if subject.key not in self._failed:
            sequence = self._of(subject).sequence(self._setting.preset.stream)
            for budget in rotated(self._budgets(subject), repeat):
                yield self._subject(subject, sequence, budget)


def _first_line(error: Exception) -> str:
    """What an exception says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
