"""Answers without a pause for minutes: what is left of the speed when the machine is warm."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.jobs.timed_run import RunStart, TimedRun
from mvmoe_bench.measure.machine.temperature import processor_celsius
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Bytes, Count, Ns, RepeatRecord, Thermal
from mvmoe_bench.measure.subjects.contract import Subject

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.choosing import SelectedSubject

_EVERY_NS = 5_000_000_000
"""A line for so much time."""


class SustainedSample(RepeatRecord, tag="sustained", frozen=True):
    """The answers of five seconds of a long run, and how warm the device was at their end."""

    at_ns: Ns
    """The end of these seconds, from the beginning of the run."""
    answers: Count
    median_ns: Ns
    slowest_ns: Ns
    thermal: Thermal | None
    """None where a device does not say."""
    headroom: float | None
    """How near the device is to throttling: at 1 it does so severely. None where it is not told."""
    pss: Bytes | None
    """Proportional set size of the process on Android; None elsewhere."""
    celsius: float | None = None
    """Of the processor; None where a machine does not say."""

    def is_plausible(self) -> bool:
        """Whether there were answers, and time has passed."""
        return self.answers > 0 and 0 < self.median_ns <= self.slowest_ns <= self.at_ns


class SustainedMeasurement(Measurement):
    """Images one after the other, for as long as was asked for; each subject in its own process."""

    name = "sustained"
    position = 70
    records = (SustainedSample, TimedRun)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each dispatcher, after everything else: it leaves the machine warm."""
        last = max(plan.preset.repeats, plan.preset.starts, 1) - 1
        for subject in plan.subjects if plan.preset.sustained and repeat == last else ():
            if subject.dispatches:
                yield Job(f"{self.name}:{subject.key}", self, 0, partial(_one, plan, subject))

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Bring everything in, answer once, and then go on until the time is over."""
        opened = session.open(subject)
        opened.prewarm()
        celsius = processor_celsius()
        opened.answer(subject.queries[0])
        begin = perf_counter_ns()
        end = begin + round(session.order.preset.sustained * 1e9)
        queries = cycle(subject.queries)
        while (now := perf_counter_ns()) < end:
            spent = _answers_until(opened, queries, min(now + _EVERY_NS, end))
            session.emit(_sample(session, subject, perf_counter_ns() - begin, spent))
            session.flush(now=True)
        session.emit(RunStart(begin, 1, celsius).ended(session, subject, SustainedSample))
        opened.close()


def _one(plan: Plan, subject: "SelectedSubject") -> Iterator[SubjectOrder]:
    """The subject, if it has not failed, with the images of a residency sequence."""
    if plan.alive([subject]):
        yield plan.order(subject, plan.sequence(subject, max(plan.preset.queries, 1)))


def _answers_until(opened: Subject, queries: Iterator[Query], end: int) -> list[int]:
    """Nanoseconds of each answer until a moment; one at least."""
    spent: list[int] = []
    before = perf_counter_ns()
    while not spent or before < end:
        opened.answer(next(queries))
        after = perf_counter_ns()
        spent.append(after - before)
        before = after
    return spent


def _sample(
    session: Session, subject: SubjectOrder, at_ns: int, spent: Sequence[int]
) -> SustainedSample:
    """The line of some seconds."""
    return SustainedSample(
        **session.fields_of(subject),
        at_ns=at_ns,
        answers=len(spent),
        median_ns=round(median(spent)),
        slowest_ns=max(spent),
        thermal=None,
        headroom=None,
        pss=None,
        celsius=processor_celsius(),
    )


PART = SustainedMeasurement()
