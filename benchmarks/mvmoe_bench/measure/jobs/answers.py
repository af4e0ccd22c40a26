"""What each subject answers to each image, and which route it takes. Nothing is timed."""

from collections.abc import Iterator

import numpy as np
from safetensors.numpy import load_file

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Routes, SubjectJobRecord
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.verification.metrics import peak


class Answer(SubjectJobRecord, tag="answer", frozen=True):
    """What a subject answered to an image, once a run; says which route images take."""

    image: Count
    name: str
    label: str | None
    """The true class if it is known."""
    routes: Routes | None
    """What the router said; None for subjects that do not tell."""
    answer: Count | None
    """The class with the highest logit; None of a model that does not classify."""
    max_abs_error: float | None
    """From the reference's outputs (see `reference` of docs/benchmarking.md), of all outputs."""
    max_rel_error: float | None
    """The same, each output relative to its largest value of all images."""

    def by_stage(self) -> list[tuple[object, ...]]:
        """The route."""
        return [] if self.routes is None else [self.routes]


def _errors(outputs: Outputs, reference: Outputs | None, image: int) -> dict[str, float | None]:
    """The largest error of any output; what is no number counts as very large."""
    if reference is None:
        return {"max_abs_error": None, "max_rel_error": None}
    errors, shares = [], []
    for name, array in outputs.items():
        largest = np.abs(array[0] - reference[name][image]).max()
        errors.append(float(np.nan_to_num(largest, nan=1e30, posinf=1e30)))
        shares.append(errors[-1] / peak(reference[name]))
    return {"max_abs_error": max(errors), "max_rel_error": min(max(shares), 1e30)}


def _class(outputs: Outputs, name: str | None) -> int | None:
    """The class with the highest logit, by the name of the output that has the logits."""
    return None if name is None else int(outputs[name][0].argmax())


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
        reference = None if path is None else load_file(path)
        for query in subject.queries:
            image, traced = query.image, opened.trace(query)
            outputs = opened.answer(query) if traced is None else traced.outputs
            session.emit(
                Answer(
                    job=order.job,
                    subject=subject.key,
                    image=image,
                    name=order.names[image],
                    label=order.labels[image],
                    routes=None if traced is None else traced.routes,
                    answer=_class(outputs, subject.class_output),
                    **_errors(outputs, reference, image),
                )
            )
            session.flush()
        opened.close()


PART = AnswersMeasurement()
