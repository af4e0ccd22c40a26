"""What one subject holds: with nothing opened, with all images answered, with all closed."""

import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan, alone, started_alone
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.machine import held_memory
from mvmoe_bench.measure.machine.held_memory import Held, MemoryKind
from mvmoe_bench.measure.machine.smaps import OwnFiles
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Bytes, Count, RepeatRecord
from mvmoe_deploy.runtime.freed_memory import return_free_memory

if TYPE_CHECKING:
    from mvmoe_bench.measure.planning.choosing import SelectedSubject


class Memory(RepeatRecord, tag="memory", frozen=True):
    """What a process of its own held."""

    memory_of: MemoryKind
    budget: Count | None
    """Experts that might be resident in each routed stage; None for all, or where none are."""
    base: Held
    """With engine and code imported, before anything was opened."""
    loaded: Held
    """After its images were answered."""
    peak_rss: Bytes | None
    """The largest resident set the process ever had, shared libraries included."""
    released: Held
    """After everything was closed."""

    def is_plausible(self) -> bool:
        """Whether the parts of all amounts add up."""
        return all(held.adds_up() for held in (self.base, self.loaded, self.released))


def _budgets(plan: Plan, subject: "SelectedSubject", repeat: int) -> tuple[int | None, ...]:
    """One expert and all of them in every repeat, what is between only once, if at all."""
    found = plan.budgets(subject)
    if not found:
        return (None,)
    every = repeat == 0 and plan.preset.stream
    return found if every else tuple(sorted({found[0], found[-1]}))


class MemoryMeasurement(Measurement):
    """What a process holds that has one subject: another's memory would be counted with it."""

    name = "memory"
    position = 40
    records = (Memory,)
    one_subject = True

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each subject that is started alone, and each of its budgets."""
        for subject in started_alone(plan, repeat):
            for budget in _budgets(plan, subject, repeat):
                name = f"{self.name}:{subject.key}:{budget or 'all'}:{repeat}"
                yield Job(name, self, repeat, partial(alone, plan, subject, budget))

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Look, open, bring in what fits, answer, look, close, look."""
        files = OwnFiles(Path(subject.root))
        # The first look allocates what later ones use again.
        held_memory.held(files)
        base = held_memory.held(files)
        opened = session.open(subject)
        opened.prewarm()
        for query in subject.queries:
            opened.answer(query)
        loaded = held_memory.held(files)
        opened.close()
        del opened
        gc.collect()
        return_free_memory()
        session.emit(
            Memory(
                **session.fields_of(subject),
                memory_of=held_memory.SOURCE,
                budget=subject.budget,
                base=base,
                loaded=loaded,
                peak_rss=held_memory.peak_rss_bytes(),
                released=held_memory.held(files),
            )
        )


PART = MemoryMeasurement()
