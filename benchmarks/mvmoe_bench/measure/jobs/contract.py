"""The contract of a measurement: what it plans for a run, and what one process does of it.

One module a measurement, found by its name, whose `PART` is a `Measurement`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Preset, Record

if TYPE_CHECKING:
    from mvmoe_bench.measure.jobs.order_process import Session
    from mvmoe_bench.measure.planning.choosing import SelectedSubject


@dataclass(frozen=True)
class Job:
    """One process to come; its subjects are chosen when its turn has come.

    By then it is known which subjects have failed, and which route each image takes.
    """

    name: str
    measurement: "Measurement"
    repeat: int
    subjects: Callable[[], Iterable[SubjectOrder]]


class Plan(Protocol):
    """What a run knows, for measurements that plan their jobs."""

    @property
    def preset(self) -> Preset:
        """How much is measured."""

    @property
    def pictures(self) -> Sequence[str]:
        """Files of real images; none where they would be decoded on another machine."""

    @property
    def subjects(self) -> Sequence["SelectedSubject"]:
        """All subjects of the run, those that have failed included."""

    def alive(self, subjects: Iterable["SelectedSubject"]) -> list["SelectedSubject"]:
        """Those that have not failed."""

    def budgets(self, subject: "SelectedSubject") -> tuple[int, ...]:
        """The residency budgets of a dispatcher, ascending; none for other subjects."""

    def order(
        self, subject: "SelectedSubject", queries: Sequence[Query], budget: int | None = None
    ) -> SubjectOrder:
        """A subject and what it is asked."""

    def round_queries(self, subject: "SelectedSubject", repeat: int) -> list[Query]:
        """What a subject is asked in the rounds of a repeat."""

    def first_queries(self, subject: "SelectedSubject") -> list[Query]:
        """What a subject in a process of its own is asked: images that what it holds answers."""

    def sequence(self, subject: "SelectedSubject", length: int) -> list[Query]:
        """Images one after the other, as an application sees them."""


class Measurement:
    """A part of the kind `measurements`. A subclass overrides `jobs`, and `measure` or `run`."""

    name: str
    position: int
    """Where it comes in a repeat, lowest first."""
    records: tuple[type[Record], ...] = ()
    """The kinds of lines that it writes and no other module declares."""
    one_subject = False
    """Whether a process has one subject: without that one's engine there is nothing to do."""
    is_decisive = True
    """Whether a subject at which it fails is measured no further."""
    reads_pictures = False
    """Whether the names in its orders are the plan's pictures."""
    compares_answers = False
    """Whether its orders have the names and labels of images, and PyTorch's answers."""

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """Its jobs of one repeat; none once it has been repeated as often as the preset says."""
        raise NotImplementedError

    def run(self, session: "Session") -> None:
        """Follow the order of a session, in the process that measures: each subject in turn."""
        for subject in session.order.subjects:
            work = partial(self.measure, session, subject)
            session.attempt(subject, work, is_decisive=self.is_decisive)
            session.flush()

    def measure(self, session: "Session", subject: SubjectOrder) -> None:
        """Measure one subject of the order; what it raises is the subject's failure."""
        raise NotImplementedError


def started_alone(plan: Plan, repeat: int) -> list["SelectedSubject"]:
    """The subjects that are measured each in a process of its own, in rotated order.

    None after as many repeats as there are fresh processes of each.
    """
    if repeat >= plan.preset.starts:
        return []
    return rotated([each for each in plan.subjects if each.kind.is_started_alone], repeat)


def alone(
    plan: Plan, subject: "SelectedSubject", budget: int | None = None
) -> Iterator[SubjectOrder]:
    """One subject, if it has not failed, asked what a process of its own is asked."""
    if plan.alive([subject]):
        yield plan.order(subject, plan.first_queries(subject), budget)
