"""How a process began to time a subject's answers, and how long it did so.

No measurement: what those that time answers write beside them, so that a report can say what the
answers are worth.
"""

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Ns, Record, RepeatRecord, Thermal

if TYPE_CHECKING:
    from mvmoe_bench.measure.jobs.order_process import Session


class TimedRun(RepeatRecord, tag="timed", frozen=True):
    """One process's timed answers of one subject, written once they came to their end."""

    of: str
    """The kind of the lines that its answers are in: `sample`, `paced`, `sustained`."""
    warmup: Count
    """Answers (or rounds of them) before the first that counts; 0 if it began cold."""
    wall_ns: Ns
    """From the first answer that counts to the end of the last. Subjects that take turns have the
    same."""
    thermal: Thermal | None = None
    """How warm the device was at the beginning; None where it does not say."""
    headroom: float | None = None
    """How near to severe throttling it was then (1); None where it is not told."""
    celsius: float | None = None
    """Of its processor, then; None where it is not told."""

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.wall_ns > 0


@dataclass(frozen=True)
class RunStart:
    """The moment at which answers begin to count, and how the process was then."""

    at_ns: int
    """Of `perf_counter_ns`."""
    warmup: int
    """Answers before that."""
    celsius: float | None
    """Of the processor before the first of them: looking takes long enough to disturb an answer."""

    def ended(self, session: "Session", subject: SubjectOrder, of: type[Record]) -> TimedRun:
        """The line of a subject whose answers end now; `of` is the kind of its lines."""
        return TimedRun(
            **session.fields_of(subject),
            of=str(of.__struct_config__.tag),
            warmup=self.warmup,
            wall_ns=perf_counter_ns() - self.at_ns,
            celsius=self.celsius,
        )
