"""Images one after the other, as an application sees them, with room for so many experts."""

import gc
from functools import partial

from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Routes, StreamSample
from mvmoe_bench.measure.subjects.contract import Traced


def run(session: Session) -> None:
    """The order's subjects are one subject with one budget after the other."""
    gc.collect()
    gc.disable()
    for subject in session.order.subjects:
        session.attempt(subject, partial(_stream, session, subject))
        session.flush()


def _stream(session: Session, subject: SubjectOrder) -> None:
    """Bring in the most used experts that fit, then answer the sequence.

    The first image is asked twice: it pays for what only the first answer of a process does.
    """
    opened = session.open(subject)
    opened.prewarm()
    before = opened.trace(subject.queries[0]).routes
    for number, query in enumerate(subject.queries):
        traced = opened.trace(query)
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
        budget=subject.budget,
        number=number,
        image=query.image,
        routes=traced.routes,
        cold=traced.cold,
        switched=tuple(a != b for a, b in zip(traced.routes, before, strict=True)),
        ns=traced.laps.total,
        laps=traced.laps,
    )
