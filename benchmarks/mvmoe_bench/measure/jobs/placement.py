"""Where the engine itself says that it puts a graph's operators on this device."""

from collections.abc import Iterator
from functools import partial

from mvmoe_bench.measure.jobs.contract import Job, Plan
from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Placement
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.runners import find_runner


def _place(session: Session, subject: SubjectOrder) -> None:
    """A line for each graph that the engine speaks of."""
    bundle = Bundle.open(subject.root, subject.manifest_sha256, plugins=True)
    record = bundle.target(subject.of_target)
    runner = find_runner(record.format, plugins=True)
    for placement in runner.placements(bundle.path, record, subject.engine_options):
        session.emit(
            Placement(
                job=session.order.job,
                subject=subject.key,
                graph=placement.graph,
                by_unit=placement.by_unit,
                cost_by_unit=placement.cost_by_unit,
                outside=placement.outside,
            )
        )


class PlacementMeasurement:
    """Where each dispatcher's engine puts its operators."""

    name = "placement"
    position = 10
    one_subject = False
    compares_answers = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a run."""

        def subjects() -> Iterator[SubjectOrder]:
            dispatching = [subject for subject in plan.subjects if subject.dispatches]
            return (plan.order(subject, ()) for subject in plan.alive(dispatching))

        if repeat == 0:
            yield Job(self.name, self, repeat, subjects)

    def run(self, session: Session) -> None:
        """One subject after the other; engines that say nothing have no lines."""
        for subject in session.order.subjects:
            session.attempt(subject, partial(_place, session, subject))


PART = PlacementMeasurement()
