"""Warm answers: all subjects in turns, in one process, with the machine's own speed in between."""

import gc
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import TypeVar

import numpy as np

from mvmoe_bench.measure.jobs.answer_timing import rotated, timed_call
from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.jobs.timed_run import RunStart, TimedRun
from mvmoe_bench.measure.machine.temperature import processor_celsius
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import (
    Count,
    EngineChoice,
    JobRecord,
    Laps,
    Ns,
    Preset,
    RepeatRecord,
    Routes,
)
from mvmoe_bench.measure.subjects.contract import Stopwatch, Subject, Traced


class Opened(RepeatRecord, tag="opened", frozen=True):
    """A subject was made ready in the process of a repeat, and which engine it really got."""

    actual: EngineChoice
    open_ns: Ns


class Sample(RepeatRecord, tag="sample", frozen=True):
    """One warm answer."""

    round: Count
    position: Count
    """The place of the subject's turn in its round."""
    image: Count
    routes: Routes | None
    """The route that the image took; None for subjects that do not tell."""
    forced: bool
    """True if the route was imposed."""
    ns: Ns
    cpu_ns: Ns | None
    """What the calling thread computed meanwhile; None where a device does not say."""
    laps: Laps | None = None
    """Of one more call, right after the timed one; None for subjects without parts."""

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.ns > 0

    def by_stage(self) -> list[tuple[object, ...]]:
        """The route, and its parts."""
        routes = [] if self.routes is None else [self.routes]
        return routes + ([] if self.laps is None else self.laps.by_stage())


class ReferenceMatmul(JobRecord, tag="yardstick", frozen=True):
    """The machine's own speed in the middle of the measurements: one single-precision matmul."""

    repeat: Count
    round: Count
    flop: Count
    ns: Ns


class Overhead(JobRecord, tag="overhead", frozen=True):
    """What timing itself costs: the median of many calls that do nothing."""

    repeat: Count
    ns: Ns
    n: Count


T = TypeVar("T")

_MATMUL_SIDE = 512
_MATMUL_EVERY = 4
"""Rounds between two looks at the machine's speed."""

_OVERHEAD_CALLS = 1001

Ready = dict[str, tuple[SubjectOrder, Subject]]
"""What is in memory and has not failed, by key."""


def rounds(preset: Preset, queries: int) -> Iterator[int]:
    """Numbers of rounds: those of the warm-up are negative.

    There are as many as queries, more if they take less than `seconds`, and fewer if they take
    more than `most_seconds`; one at least.
    """
    yield from range(-preset.warmup, 0)
    start, number = perf_counter(), 0
    while number < queries or (queries and perf_counter() - start < preset.seconds):
        if number and perf_counter() - start > preset.most_seconds:
            return
        yield number
        number += 1


def _open_all(session: Session) -> Ready:
    """Every subject of the order, opened in an order that differs from repeat to repeat."""
    subjects = {subject.key: subject for subject in session.order.subjects}
    ready: Ready = {}
    for key in rotated(list(subjects), session.order.repeat):
        opened = session.attempt(subjects[key], partial(_open, session, subjects[key]))
        if opened is not None:
            ready[key] = (subjects[key], opened)
    # Rounds go by the order's own order, whichever was opened first.
    return {key: ready[key] for key in subjects if key in ready}


def _open(session: Session, subject: SubjectOrder) -> Subject:
    """Open a subject with everything that it needs in memory."""
    watch = Stopwatch()
    opened = session.open(subject, watch)
    session.emit(
        Opened(
            **session.fields_of(subject),
            actual=opened.actual,
            open_ns=sum(watch.spent.values()),
        )
    )
    opened.prewarm()
    return opened


def query_for_round(queries: Sequence[T], number: int, longest: int) -> T:
    """What round `number` asks a subject; `longest` is the number of questions of another.

    A dispatcher is asked more: what covers its routes comes last. All start over together, or one
    round would compare answers to different images.
    """
    return queries[number % longest % len(queries)]


def _round(session: Session, ready: Ready, number: int, longest: int) -> None:
    """Each subject answers once, in rotated order; one that fails is asked no more.

    `longest` is how many questions the subjects have at most.
    """
    for position, key in enumerate(rotated(list(ready), number)):
        subject, opened = ready[key]
        query = query_for_round(subject.queries, number, longest)
        timed = session.attempt(subject, partial(_timed_answer, opened, query))
        if timed is None:
            del ready[key]
        elif number >= 0:
            ns, cpu_ns, traced = timed
            session.emit(
                Sample(
                    **session.fields_of(subject),
                    round=number,
                    position=position,
                    image=query.image,
                    routes=traced.routes if traced else query.routes,
                    forced=query.forced,
                    ns=ns,
                    cpu_ns=cpu_ns,
                    laps=traced.laps if traced else None,
                )
            )


def _timed_answer(opened: Subject, query: Query) -> tuple[int, int | None, Traced | None]:
    """Nanoseconds of one answer on the wall and of CPU, and of a subject with parts these.

    The parts are those of another call, right after. Where a route is imposed, time is their sum:
    imposing it is nobody's cost.
    """
    # The first trace tells whether the subject has parts, and is not kept: the second is warm.
    if query.forced and opened.trace(query) is not None:
        imposed = opened.traced(query)
        return imposed.laps.total, None, imposed
    spent = timed_call(opened.answer, query)
    return spent.wall, spent.cpu, opened.trace(query)


def _measure_overhead(session: Session) -> None:
    """What a timed call with nothing in it takes."""
    spent = [timed_call(_nothing, None).wall for _ in range(_OVERHEAD_CALLS)]
    order = session.order
    session.emit(Overhead(job=order.job, repeat=order.repeat, ns=int(median(spent)), n=len(spent)))


def _nothing(_: None) -> None:
    """A subject that costs what timing costs."""


class _ReferenceProduct:
    """A matrix product of NumPy's BLAS, with the threads that the subjects have."""

    def __init__(self) -> None:
        side = _MATMUL_SIDE
        self._first, self._second = np.random.default_rng(0).random((2, side, side), np.float32)
        self._result = np.empty((side, side), np.float32)

    def time(self, order: MeasurementOrder, number: int) -> ReferenceMatmul:
        """Time one product; the one before it brings the matrices into the caches."""
        ns = timed_call(self._product, None).wall
        flop = 2 * _MATMUL_SIDE**3
        return ReferenceMatmul(job=order.job, repeat=order.repeat, round=number, flop=flop, ns=ns)

    def _product(self, _: None) -> None:
        np.matmul(self._first, self._second, out=self._result)


class LatencyMeasurement(Measurement):
    """Warm answers of all subjects, side by side in one process."""

    name = "latency"
    position = 20
    records = (Opened, Sample, ReferenceMatmul, Overhead, TimedRun)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a repeat."""

        def subjects() -> Iterator[SubjectOrder]:
            for subject in plan.alive(plan.subjects):
                yield plan.order(subject, plan.round_queries(subject, repeat))

        if repeat < plan.preset.repeats:
            yield Job(f"{self.name}:{repeat}", self, repeat, subjects)

    def run(self, session: Session) -> None:
        """Open everything, then ask in rounds; each subject once a round, in rotated order."""
        ready = _open_all(session)
        _measure_overhead(session)
        product = _ReferenceProduct()
        # A collection in the middle of an answer would be timed with it.
        gc.collect()
        gc.disable()
        queries = max((len(subject.queries) for subject, _ in ready.values()), default=0)
        celsius, start = processor_celsius(), None
        for number in rounds(session.order.preset, queries):
            if number == 0:
                start = RunStart(perf_counter_ns(), session.order.preset.warmup, celsius)
            _round(session, ready, number, queries)
            if number >= 0 and number % _MATMUL_EVERY == 0:
                session.emit(product.time(session.order, number))
            session.flush()
        gc.enable()
        if start is not None:
            for subject, _ in ready.values():
                session.emit(start.ended(session, subject, Sample))


PART = LatencyMeasurement()
