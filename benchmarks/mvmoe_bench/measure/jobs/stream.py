"""Images one after the other, as an application sees them, with room for so many experts."""

import gc
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mvmoe_bench.measure.jobs.contract import Job, Plan, started_alone
from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.jobs.timing import rotated
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Routes, StreamSample
from mvmoe_bench.measure.subjects.contract import Traced

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.choosing import SelectedSubject


def _stream(session: Session, subject: SubjectOrder) -> None:
    """Bring in the most used experts that fit, then answer the sequence.

    The first image is asked twice: it pays for what only the first answer of a process does.
    """
    opened = session.open(subject)
    opened.prewarm()
    before = opened.traced(subject.queries[0]).routes
    for number, query in enumerate(subject.queries):
        traced = opened.traced(query)
        session.emit(_sample(session, (subject, number, query), traced, before))
        before = traced.routes
    opened.close()


def _sample(
    session: Session, asked: tuple[SubjectOrder, int, Query], traced: Traced, before: Routes
) -> StreamSample:
    """One answer of the sequence."""
    subject, number, query = asked
    return StreamSample(
        job=session.order.job,
        subject=subject.key,
        repeat=session.order.repeat,
        budget=subject.budget or 0,
        number=number,
        image=query.image,
        routes=traced.routes,
        cold=traced.cold,
        switched=tuple(a != b for a, b in zip(traced.routes, before, strict=True)),
        ns=traced.laps.total,
        laps=traced.laps,
    )


def _with_each_budget(
    plan: Plan, subject: "SelectedSubject", repeat: int
) -> Iterator[SubjectOrder]:
    """The sequence with each budget, beginning with another one in each repeat."""
    if plan.alive([subject]):
        sequence = plan.sequence(subject, plan.preset.stream)
        for budget in rotated(plan.budgets(subject), repeat):
            yield plan.order(subject, sequence, budget)


class StreamMeasurement:
    """What a change of expert costs with fewer experts in memory than there are."""

    name = "stream"
    position = 50
    one_subject = False
    compares_answers = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each dispatcher that has budgets: without experts none differs."""
        if repeat < plan.preset.starts and plan.preset.stream:
            for subject in started_alone(plan, repeat):
                if plan.budgets(subject):
                    name = f"{self.name}:{subject.key}:{repeat}"
                    yield Job(name, self, repeat, partial(_with_each_budget, plan, subject, repeat))

    def run(self, session: Session) -> None:
        """The order's subjects are one subject with one budget after the other."""
        gc.collect()
        gc.disable()
        for subject in session.order.subjects:
            session.attempt(subject, partial(_stream, session, subject))
            session.flush()


PART = StreamMeasurement()
