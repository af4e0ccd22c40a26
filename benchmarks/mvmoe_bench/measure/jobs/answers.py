"""What each subject answers to each image, and which route it takes. Nothing is timed."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from mvmoe_bench.measure.jobs.contract import Job, Plan
from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Answer, Routes
from mvmoe_bench.measure.subjects.contract import Subject


def _answer_all(session: Session, subject: SubjectOrder) -> None:
    """A line for each of the subject's queries."""
    order, opened = session.order, session.open(subject)
    path = order.reference.get(subject.key)
    reference = None if path is None else np.load(path)
    for query in subject.queries:
        answer, routes = _ask(opened, query)
        image = query.image
        wanted = None if reference is None else reference[image]
        session.emit(
            Answer(
                job=order.job,
                subject=subject.key,
                image=image,
                name=order.names[image],
                label=order.labels[image],
                routes=routes,
                answer=int(answer[0].argmax()),
                max_abs_error=_error(answer, wanted),
            )
        )
        session.flush()
    opened.close()


def _ask(opened: Subject, query: Query) -> tuple[np.ndarray, Routes | None]:
    """The answer, and the route if the subject tells."""
    traced = opened.trace(query)
    if traced is None:
        return opened.answer(query), None
    return traced.answer, traced.routes


def _error(answer: np.ndarray, wanted: np.ndarray | None) -> float | None:
    """The largest error of a class logit; what is no number counts as very large."""
    if wanted is None:
        return None
    return float(np.nan_to_num(np.abs(answer[0] - wanted).max(), nan=1e30, posinf=1e30))


class AnswersMeasurement:
    """Every subject's answers, asked for by the run itself before anything is timed."""

    name = "answers"
    position = 0
    one_subject = False
    compares_answers = True

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """None: which subjects are asked, and when, depends on what was answered before."""
        yield from ()

    def run(self, session: Session) -> None:
        """One subject after the other."""
        for subject in session.order.subjects:
            session.attempt(subject, partial(_answer_all, session, subject))


PART = AnswersMeasurement()
