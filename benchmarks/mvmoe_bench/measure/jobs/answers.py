"""What each subject answers to each image, and which route it takes. Nothing is timed."""

from collections.abc import Iterator, Mapping
from typing import Literal

from safetensors.numpy import load_file

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, JobRecord, Routes, SubjectJobRecord
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.runtime.prediction import Outputs
from mvmoe_deploy.verification.metrics import absolute_errors, peak


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
    """The same, each part of an output relative to its largest value of all images."""

    def by_stage(self) -> list[tuple[object, ...]]:
        """The route."""
        return [] if self.routes is None else [self.routes]


class ReferenceAnswers(JobRecord, tag="reference", frozen=True):
    """Which of the run's labelled images a PyTorch model answers wrongly."""

    bundle: str
    """By its name in the run."""
    model: Literal["routed", "dense"]
    """What the bundle was exported from, or the dense model that was given beside it."""
    images: Count
    """That have labels."""
    wrong: tuple[Count, ...]
    """The numbers of those whose best class is another."""

    def is_plausible(self) -> bool:
        """Whether no more are wrong than there are."""
        return 0 < self.images >= len(set(self.wrong)) == len(self.wrong)


_VERY_LARGE = 1e30


def largest_errors(
    given: Outputs, reference: Outputs, image: int, kinds: Mapping[str, OutputKind]
) -> tuple[float, float]:
    """The largest error of any of an image's outputs `[1, ...]`, and the largest relative one.

    Each is compared with that image's in the reference `[n, ...]`, in the parts that its kind
    compares apart, relative to the largest value of all images. What is no number counts as very
    large.
    """
    errors, shares = [], []
    for name, kind in kinds.items():
        ours = kind.values(given[name])
        for part, array in kind.values(reference[name]).items():
            largest = float(absolute_errors(ours[part][0], array[image]).max())
            errors.append(min(largest, _VERY_LARGE))
            shares.append(min(largest / peak(array), _VERY_LARGE))
    return max(errors), max(shares)


def _class(outputs: Outputs, name: str | None) -> int | None:
    """The class with the highest logit, by the name of the output that has the logits."""
    return None if name is None else int(outputs[name][0].argmax())


class AnswersMeasurement(Measurement):
    """Every subject's answers, asked for by the run itself before anything is timed."""

    name = "answers"
    position = 0
    records = (Answer, ReferenceAnswers)
    compares_answers = True

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """None: which subjects are asked, and when, depends on what was answered before."""
        yield from ()

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """A line for each of the subject's queries, with the route if the subject tells."""
        order, opened = session.order, session.open(subject)
        path = order.reference.get(subject.key)
        reference = None if path is None else load_file(path)
        kinds = {
            name: find_kind(kind, plugins=subject.plugins)
            for name, kind in subject.output_kinds.items()
        }
        for query in subject.queries:
            image, traced = query.image, opened.trace(query)
            outputs = opened.answer(query) if traced is None else traced.outputs
            absolute, relative = (
                (None, None)
                if reference is None
                else largest_errors(outputs, reference, image, kinds)
            )
            session.emit(
                Answer(
                    job=order.job,
                    subject=subject.key,
                    image=image,
                    name=order.names[image],
                    label=order.labels[image],
                    routes=None if traced is None else traced.routes,
                    answer=_class(outputs, subject.class_output),
                    max_abs_error=absolute,
                    max_rel_error=relative,
                )
            )
            session.flush()
        opened.close()


PART = AnswersMeasurement()
