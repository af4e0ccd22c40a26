"""Warm answers: all subjects in turns, in one process, with the machine's own speed in between."""

import gc
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np

from mvmoe_bench.measure.jobs.contract import Job, Plan
from mvmoe_bench.measure.jobs.process import LapStopwatch, Session
from mvmoe_bench.measure.jobs.timing import rotated, timed_call
from mvmoe_bench.measure.schema.orders import MeasurementOrder, Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Opened, Overhead, Preset, Sample, Yardstick
from mvmoe_bench.measure.subjects.contract import Subject, Traced

T = TypeVar("T")

_YARDSTICK_SIDE = 512
_YARDSTICK_EVERY = 4
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
    watch = LapStopwatch()
    opened = session.open(subject, watch)
    session.emit(
        Opened(
            job=session.order.job,
            subject=subject.key,
            repeat=session.order.repeat,
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


def _round(session: Session, ready: Ready, turn: tuple[int, int]) -> None:
    """One turn for each subject; one that fails is asked no more.

    `turn` is the number of the round, and how many questions the subjects have at most.
    """
    number, longest = turn
    for position, key in enumerate(rotated(list(ready), number)):
        subject, opened = ready[key]
        query = query_for_round(subject.queries, number, longest)
        place = (key, number, position)
        sample = session.attempt(subject, partial(_turn, session.order, opened, query, place))
        if sample is None:
            del ready[key]
        elif number >= 0:
            session.emit(sample)


def _turn(
    order: MeasurementOrder, opened: Subject, query: Query, place: tuple[str, int, int]
) -> Sample:
    """One timed answer; for a subject with parts another call, right after, says where time goes.

    Where a route is imposed, time is the sum of the parts: imposing it is nobody's cost.
    """
    key, number, position = place
    traced: Traced | None
    # The first trace tells whether the subject has parts, and is not kept: the second is warm.
    if query.forced and opened.trace(query) is not None:
        imposed = opened.traced(query)
        ns, cpu_ns, traced = imposed.laps.total, None, imposed
    else:
        spent = timed_call(opened.answer, query)
        ns, cpu_ns, traced = spent.wall, spent.cpu, opened.trace(query)
    return Sample(
        job=order.job,
        subject=key,
        repeat=order.repeat,
        round=max(number, 0),
        position=position,
        image=query.image,
        routes=traced.routes if traced else query.routes,
        forced=query.forced,
        ns=ns,
        cpu_ns=cpu_ns,
        laps=traced.laps if traced else None,
    )


def _measure_overhead(session: Session) -> None:
    """What a timed call with nothing in it takes."""
    spent = [timed_call(_nothing, None).wall for _ in range(_OVERHEAD_CALLS)]
    order = session.order
    session.emit(Overhead(job=order.job, repeat=order.repeat, ns=int(median(spent)), n=len(spent)))


def _nothing(_: None) -> None:
    """A subject that costs what timing costs."""


class _Yardstick:
    """A matrix product of NumPy's BLAS, with the threads that the subjects have."""

    def __init__(self, session: Session) -> None:
        side = _YARDSTICK_SIDE
        self._session = session
        self._first, self._second = np.random.default_rng(0).random((2, side, side), np.float32)
        self._result = np.empty((side, side), np.float32)

    def look(self, number: int) -> None:
        """Time one product; the one before it brings the matrices into the caches."""
        spent = timed_call(self._product, None)
        order = self._session.order
        self._session.emit(
            Yardstick(
                job=order.job,
                repeat=order.repeat,
                round=number,
                flop=2 * _YARDSTICK_SIDE**3,
                ns=spent.wall,
            )
        )

    def _product(self, _: None) -> None:
        np.matmul(self._first, self._second, out=self._result)


class LatencyMeasurement:
    """Warm answers of all subjects, side by side in one process."""

    name = "latency"
    position = 20
    one_subject = False
    compares_answers = False

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
        yardstick = _Yardstick(session)
        # A collection in the middle of an answer would be timed with it.
        gc.collect()
        gc.disable()
        queries = max((len(subject.queries) for subject, _ in ready.values()), default=0)
        for number in rounds(session.order.preset, queries):
            _round(session, ready, (number, queries))
            if number >= 0 and number % _YARDSTICK_EVERY == 0:
                yardstick.look(number)
            session.flush()
        gc.enable()


PART = LatencyMeasurement()
