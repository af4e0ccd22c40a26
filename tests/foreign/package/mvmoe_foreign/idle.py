"""Measurement `idle`: what doing nothing takes."""

from collections.abc import Iterator

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import JobRecord, Ns


class Idled(JobRecord, tag="idled", frozen=True):
    """What one look at nothing took."""

    ns: Ns


class Idle(Measurement):
    """Nothing, timed."""

    name = "idle"
    position = 90
    records = (Idled,)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a run."""

        def subjects() -> Iterator[SubjectOrder]:
            return (plan.order(subject, ()) for subject in plan.alive(plan.subjects))

        if repeat == 0:
            yield Job(self.name, self, repeat, subjects)

    def run(self, session: Session) -> None:
        """One line."""
        session.emit(Idled(job=session.order.job, ns=7))


PART = Idle()
