"""The jobs of a run, in order: answers first, because other jobs need the routes they tell.

Measurements take turns from repeat to repeat, so that a drift of the machine affects all of them
equally.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mvmoe_bench.measure.devices.contract import Device
from mvmoe_bench.measure.jobs.answers import PART as ANSWERS
from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.jobs.contract import Job
from mvmoe_bench.measure.jobs.order_process import find_measurement
from mvmoe_bench.measure.planning.choosing import SelectedSubject
from mvmoe_bench.measure.planning.inputs import Inputs
from mvmoe_bench.measure.planning.models import Models
from mvmoe_bench.measure.planning.queries import QueryPlan, budgets
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Done, Failure, Preset, Record, Routes
from mvmoe_bench.measure.schema.results import ResultsFile
from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.progress import Progress

WHOLE_RUN = "run"
"""The job that ends with all others: nothing is left to resume."""

_CHECKED = 16
"""Images on which the baselines' answers are compared with PyTorch's."""


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What a run measures, where, and with what."""

    device: Device
    subjects: tuple[SelectedSubject, ...]
    preset: Preset
    inputs: Inputs
    images: Path
    """The `.npy` file of the inputs."""
    pictures: tuple[str, ...]
    """Files of real images, to be decoded and resized."""
    queries: dict[str, QueryPlan]
    """By bundle."""
    models: Models


class BenchRun:
    """One run's jobs, and what is known meanwhile: routes, failures, where graphs are."""

    def __init__(self, context: RunContext, out: ResultsFile, known: Iterable[Record]) -> None:
        self._context = context
        self._out = out
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._answers: dict[str, dict[int, Answer]] = {}
        self._roots: dict[str, str] = {}
        for line in known:
            self._remember(line)

    @property
    def preset(self) -> Preset:
        """How much is measured."""
        return self._context.preset

    @property
    def pictures(self) -> tuple[str, ...]:
        """Files of real images; none for a device that is another machine, or language."""
        return self._context.pictures if self._context.device.is_this_machine() else ()

    @property
    def subjects(self) -> tuple[SelectedSubject, ...]:
        """All subjects, those that have failed included."""
        return self._context.subjects

    def run(self, progress: Progress) -> None:
        """Do every job that is not done; raises what the device raises, KeyboardInterrupt too."""
        self._once("advice", self._advise)
        dispatchers = [subject for subject in self._context.subjects if subject.dispatches]
        baselines = [subject for subject in self._context.subjects if not subject.dispatches]
        phase, steps = "answers and graphs to compare with", len(baselines) + 2
        progress(phase, None, steps)
        self._ask_and_judge("answers", dispatchers)
        progress(phase, "answers", steps)
        self._once("reference answers", self._count_right_answers)
        for subject in baselines:
            self._prepare(subject)
            progress(phase, subject.key, steps)
        self._ask_and_judge("checks", baselines)
        progress(phase, "checks", steps)
        jobs = list(self._measurements())
        progress("measure", None, len(jobs))
        for job in jobs:
            self._do(job)
            progress("measure", job.name, len(jobs))
        self._finish(WHOLE_RUN)

    def _ask_and_judge(self, name: str, subjects: list[SelectedSubject]) -> None:
        """What subjects answer, and which of them are not worth timing."""
        self._do(Job(name, ANSWERS, 0, partial(self._asked_once, subjects)))
        judging = f"{name} judged"
        self._once(judging, partial(self._judge, judging, subjects))

    def _do(self, job: Job) -> None:
        """Give the device an order, unless a run before this one has done it."""
        if job.name in self._done:
            return
        subjects = tuple(job.subjects())
        if subjects:
            time.sleep(self._context.preset.cooldown)
            self._context.device.run(self._order(job, subjects), self._record)
        self._finish(job.name)

    def _once(self, name: str, work: Callable[[], None]) -> None:
        """Do what needs no device, unless it is done."""
        if name not in self._done:
            work()
            self._finish(name)

    def _finish(self, job: str) -> None:
        """Note that a job ended."""
        device = self._context.device
        found = Done(job=job, load_average=device.load_average(), conditions=device.conditions())
        self._record(found)

    def _record(self, line: Record) -> None:
        """Write a line down, and remember what other jobs need of it."""
        self._out.write(line)
        self._remember(line)

    def _remember(self, line: Record) -> None:
        if isinstance(line, Done):
            self._done.add(line.job)
        elif isinstance(line, Failure) and line.subject is not None:
            self._failed.add(line.subject)
        elif isinstance(line, Answer):
            self._answers.setdefault(line.subject, {})[line.image] = line

    def _order(self, job: Job, subjects: tuple[SubjectOrder, ...]) -> MeasurementOrder:
        """The order of one process."""
        answering = job.measurement.compares_answers
        names = self._context.inputs.names if answering else ()
        references = self._references() if answering else {}
        return MeasurementOrder(
            job=job.name,
            kind=job.measurement.name,
            one_subject=job.measurement.one_subject,
            repeat=job.repeat,
            preset=self._context.preset,
            images=str(self._context.images),
            names=self.pictures if job.measurement.reads_pictures else names,
            labels=self._context.inputs.labels if answering else (),
            reference={s.key: references[s.key] for s in subjects if s.key in references},
            subjects=subjects,
        )

    def order(
        self, subject: SelectedSubject, queries: Sequence[Query], budget: int | None = None
    ) -> SubjectOrder:
        """A subject and what it is asked."""
        variant = subject.variant
        classes = class_output(subject.bundle.manifest)
        return SubjectOrder(
            key=subject.key,
            kind=subject.kind.name,
            root=self._roots.get(subject.key, str(subject.bundle.path.resolve())),
            manifest_sha256=subject.bundle.manifest_sha256,
            target=subject.target,
            output_kinds={output.name: output.kind for output in subject.bundle.manifest.outputs},
            class_output=None if classes is None else classes.name,
            engine_options=variant.engine_options,
            engine_modules=variant.engine_modules,
            program=variant.program,
            requested=variant.requested,
            threads=subject.record.threads,
            budget=budget,
            config=self._context.models.config_of(subject.record.bundle),
            weights=self._context.models.weights_of(subject.bundle.manifest),
            plugins=subject.bundle.plugins,
            queries=tuple(queries),
        )

    def alive(self, subjects: Iterable[SelectedSubject]) -> list[SelectedSubject]:
        """Those that have not failed."""
        return [subject for subject in subjects if subject.key not in self._failed]

    # Before anything is timed.

    def _advise(self) -> None:
        """What the placement advisor thinks of each bundle; its failure stops nothing."""
        from mvmoe_bench.advice.advisor_process import advise_isolated

        targets: dict[str, dict[str, Bundle]] = {}
        for subject in self._context.subjects:
            if subject.target is not None:
                targets.setdefault(subject.record.bundle, {})[subject.target] = subject.bundle
        for name, found in targets.items():
            bundle = next(iter(found.values()))
            try:
                lines: list[Record] = [*advise_isolated(bundle, tuple(found), name=name)]
            except Exception as error:  # It reads the files of several engines' tools.
                lines = [Failure(job="advice", subject=None, message=_first_line(error))]
            for line in lines:
                self._record(line)

    def _asked_once(self, subjects: Iterable[SelectedSubject]) -> Iterator[SubjectOrder]:
        """Every image once; a few of them for baselines, if their answers mean anything."""
        for subject in self.alive(subjects):
            if subject.dispatches:
                yield self.order(subject, self._of(subject).once())
            elif subject.kind.answers is not None:
                queries = self._known_routes(subject, self._of(subject).once()[:_CHECKED])
                yield self.order(subject, queries)

    def _references(self) -> dict[str, str]:
        """By subject, the file of what PyTorch answers to each image."""
        context = self._context
        found = {}
        for subject in self.alive(context.subjects):
            if subject.kind.answers is not None:
                imposed = subject.kind.answers == "imposed" and self._of(subject).forced
                path = context.models.reference(subject.record.bundle, imposed)
                if path is not None:
                    found[subject.key] = str(path)
        return found

    def _judge(self, job: str, subjects: Iterable[SelectedSubject]) -> None:
        """Subjects that answer otherwise than PyTorch are not worth timing."""
        for subject in self.alive(subjects):
            answers = self._answers.get(subject.key, {}).values()
            message = self._context.models.judge(subject, list(answers))
            if message is not None:
                self._record(Failure(job=job, subject=subject.key, message=message))

    def _count_right_answers(self) -> None:
        """What PyTorch's models answer to labelled images."""
        for line in self._context.models.right_answers():
            self._record(line)

    def _prepare(self, subject: SelectedSubject) -> None:
        """Export what a baseline is made from."""
        if subject.key in self._failed:
            return
        try:
            routes = self._all_routes(subject)
            self._roots[subject.key] = self._context.models.prepare(subject, routes)
        except Exception as error:  # An exporter may raise anything: the others go on.
            message = _first_line(error)
            self._record(Failure(job="prepare", subject=subject.key, message=message))

    # What is asked.

    def _of(self, subject: SelectedSubject) -> QueryPlan:
        """The queries of a subject's bundle."""
        return self._context.queries[subject.record.bundle]

    def _routes_of_images(self, subject: SelectedSubject) -> list[Routes] | None:
        """The routes that the dispatcher of a subject's target gave the images; None if unknown."""
        dispatchers = [
            other
            for other in self._context.subjects
            if other.dispatches
            and other.record.bundle == subject.record.bundle
            and subject.target in (other.target, None)
        ]
        for dispatcher in dispatchers:
            answers = self._answers.get(dispatcher.key, {})
            if len(answers) == len(self._context.inputs.images):
                return [answers[image].routes or () for image in range(len(answers))]
        return None

    def _known_routes(self, subject: SelectedSubject, queries: Sequence[Query]) -> list[Query]:
        """The same queries with the routes that images take, where they are known."""
        known = self._routes_of_images(subject)
        if known is None or self._of(subject).forced:
            return list(queries)
        return [query.down(known[query.image]) for query in queries]

    def round_queries(self, subject: SelectedSubject, repeat: int) -> list[Query]:
        """What a subject is asked in a repeat; a dispatcher also what covers all its routes."""
        plan, known = self._of(subject), self._routes_of_images(subject)
        queries = plan.rounds(self.preset, repeat, known)
        if subject.dispatches and known is not None and not plan.forced:
            queries += plan.coverage(subject.target_record, known, self.preset, repeat)
        return queries

    def _all_routes(self, subject: SelectedSubject) -> list[Routes]:
        """All routes that a baseline will be asked for."""
        preset = self._context.preset
        queries = self._known_routes(subject, self._of(subject).once()[:_CHECKED])
        for repeat in range(preset.repeats):
            queries += self.round_queries(subject, repeat)
        queries += self.sequence(subject, preset.queries)
        return sorted({query.routes for query in queries if query.routes is not None})

    # What is timed.

    def _measurements(self) -> Iterator[Job]:
        """The jobs of all measurements for one repeat, then for the next."""
        found = [find_measurement(name) for name in part_lookup.names("measurements")]
        found.sort(key=lambda measurement: measurement.position)
        for repeat in range(max(self.preset.repeats, self.preset.starts, 1)):
            for measurement in found:
                yield from measurement.jobs(self, repeat)

    def budgets(self, subject: SelectedSubject) -> tuple[int, ...]:
        """The residency budgets of a dispatcher; none for others."""
        return budgets(subject.target_record) if subject.dispatches else ()

    def first_queries(self, subject: SelectedSubject) -> list[Query]:
        """What every subject is asked first; of one that holds one route, that route's images."""
        asked = self.sequence(subject, self.preset.queries)
        if subject.kind.holds_one_route:
            asked = [query for query in asked if query.routes == asked[0].routes]
        return asked

    def sequence(self, subject: SelectedSubject, length: int) -> list[Query]:
        """Images one after the other, with their routes where these are known."""
        return self._known_routes(subject, self._of(subject).sequence(length))


def _first_line(error: Exception) -> str:
    """What an exception says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
