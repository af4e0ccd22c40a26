"""Images one after the other, as an application sees them, with room for so many experts."""

import gc
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mvmoe_bench.measure.jobs.answer_timing import rotated
from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan, started_alone
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Laps, Ns, RepeatRecord, Routes

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.choosing import SelectedSubject


class StreamSample(RepeatRecord, tag="stream", frozen=True):
    """One answer of the residency sequence: no repetition, images one after the other."""

    budget: Count | None
    """Experts that might be resident in each routed stage; None for all."""
    number: Count
    """Position in the sequence."""
    image: Count
    routes: Routes
    cold: tuple[bool, ...]
    """By routed stage: whether the expert's graph had to be loaded."""
    switched: tuple[bool, ...]
    """By routed stage: whether the image before took another route."""
    ns: Ns
    laps: Laps

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.ns > 0

    def by_stage(self) -> list[tuple[object, ...]]:
        """The route, what became of it, and its parts."""
        return [self.routes, self.cold, self.switched, *self.laps.by_stage()]


def _with_each_budget(
    plan: Plan, subject: "SelectedSubject", repeat: int
) -> Iterator[SubjectOrder]:
    """The sequence with each budget, beginning with another one in each repeat."""
    if plan.alive([subject]):
        sequence = plan.sequence(subject, plan.preset.stream)
        for budget in rotated(plan.budgets(subject), repeat):
            yield plan.order(subject, sequence, budget)


class StreamMeasurement(Measurement):
    """What a change of expert costs with fewer experts in memory than there are."""

    name = "stream"
    position = 50
    records = (StreamSample,)

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each dispatcher that has budgets: without experts none differs."""
        for subject in started_alone(plan, repeat) if plan.preset.stream else ():
            if plan.budgets(subject):
                name = f"{self.name}:{subject.key}:{repeat}"
                yield Job(name, self, repeat, partial(_with_each_budget, plan, subject, repeat))

    def run(self, session: Session) -> None:
        """The order's subjects are one subject with one budget after the other."""
        gc.collect()
        gc.disable()
        super().run(session)

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Bring in the most used experts that fit, then answer the sequence.

        The first image is asked twice: it pays for what only the first answer of a process does.
        """
        opened = session.open(subject)
        opened.prewarm()
        before = opened.traced(subject.queries[0]).routes
        for number, query in enumerate(subject.queries):
            traced = opened.traced(query)
            session.emit(
                StreamSample(
                    **session.fields_of(subject),
                    budget=subject.budget,
                    number=number,
                    image=query.image,
                    routes=traced.routes,
                    cold=traced.cold,
                    switched=tuple(a != b for a, b in zip(traced.routes, before, strict=True)),
                    ns=traced.laps.total,
                    laps=traced.laps,
                )
            )
            before = traced.routes
        opened.close()


PART = StreamMeasurement()
