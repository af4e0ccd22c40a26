"""Measurement `idle`: what doing nothing takes."""

from collections.abc import Iterator

from mvmoe_bench.measure.jobs.contract import Job, Plan
from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Overhead


class Idle:
    """Nothing, timed."""

    name = "idle"
    position = 90
    one_subject = False
    compares_answers = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a run."""

        def subjects() -> Iterator[SubjectOrder]:
            return (plan.order(subject, ()) for subject in plan.alive(plan.subjects))

        if repeat == 0:
            yield Job(self.name, self, repeat, subjects)

    def run(self, session: Session) -> None:
        """One line."""
        session.emit(Overhead(job=session.order.job, repeat=0, ns=7, n=1))


PART = Idle()
