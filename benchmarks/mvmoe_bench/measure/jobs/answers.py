"""What each subject answers to each image, and which route it takes. Nothing is timed."""

from collections.abc import Iterator

import numpy as np

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Routes, SubjectJobRecord


class Answer(SubjectJobRecord, tag="answer", frozen=True):
    """What a subject answered to an image, once a run; says which route images take."""

    image: Count
    name: str
    label: str | None
    """The true class if it is known."""
    routes: Routes | None
    """What the router said; None for subjects that do not tell."""
    answer: Count
    """The class with the highest logit."""
    max_abs_error: float | None
    """From the reference's class logits (see `reference` of docs/benchmarking.md)."""

    def by_stage(self) -> list[tuple[object, ...]]:
        """The route."""
        return [] if self.routes is None else [self.routes]


def _error(answer: np.ndarray, wanted: np.ndarray) -> float:
    """The largest error of a class logit; what is no number counts as very large."""
    return float(np.nan_to_num(np.abs(answer - wanted).max(), nan=1e30, posinf=1e30))


class AnswersMeasurement(Measurement):
    """Every subject's answers, asked for by the run itself before anything is timed."""

    name = "answers"
    position = 0
    records = (Answer,)
    compares_answers = True

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """None: which subjects are asked, and when, depends on what was answered before."""
        yield from ()

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """A line for each of the subject's queries, with the route if the subject tells."""
        order, opened = session.order, session.open(subject)
        path = order.reference.get(subject.key)
        reference = None if path is None else np.load(path)
        for query in subject.queries:
            image, traced = query.image, opened.trace(query)
            (answer,) = opened.answer(query) if traced is None else traced.answer
            session.emit(
                Answer(
                    job=order.job,
                    subject=subject.key,
                    image=image,
                    name=order.names[image],
                    label=order.labels[image],
                    routes=None if traced is None else traced.routes,
                    answer=int(answer.argmax()),
                    max_abs_error=None if reference is None else _error(answer, reference[image]),
                )
            )
            session.flush()
        opened.close()


PART = AnswersMeasurement()
