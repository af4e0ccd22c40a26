"""Where the engine itself says that it puts a graph's operators on this device."""

from collections.abc import Iterator

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, SubjectJobRecord
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.runners import find_runner


class PlacementLine(SubjectJobRecord, tag="placement", frozen=True):
    """Where an engine puts the operators of a graph, as the engine itself says on this device."""

    graph: str
    by_unit: dict[str, Count]
    """Operators by unit: `neural_engine`, `gpu`, `cpu`, or providers' names."""
    cost_by_unit: dict[str, float] | None
    """Share of the estimated cost by unit, where the engine estimates it."""
    outside: dict[str, Count]
    """Operator types that are not on the preferred unit, with their number."""


class PlacementMeasurement(Measurement):
    """Where each dispatcher's engine puts its operators; engines that say nothing have no lines."""

    name = "placement"
    position = 10
    records = (PlacementLine,)
    is_decisive = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a run."""

        def subjects() -> Iterator[SubjectOrder]:
            dispatching = [subject for subject in plan.subjects if subject.dispatches]
            return (plan.order(subject, ()) for subject in plan.alive(dispatching))

        if repeat == 0:
            yield Job(self.name, self, repeat, subjects)

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """A line for each graph that the engine speaks of."""
        bundle = Bundle.open(subject.root, subject.manifest_sha256, plugins=subject.plugins)
        record = bundle.target(subject.of_target)
        runner = find_runner(record.format, plugins=subject.plugins)
        for placement in runner.placements(bundle.path, record, subject.engine_options):
            session.emit(
                PlacementLine(
                    job=session.order.job,
                    subject=subject.key,
                    graph=placement.graph,
                    by_unit=placement.by_unit,
                    cost_by_unit=placement.cost_by_unit,
                    outside=placement.outside,
                )
            )


PART = PlacementMeasurement()
