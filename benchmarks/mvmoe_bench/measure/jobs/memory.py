"""What one subject holds: with nothing opened, with all images answered, with all closed."""

import gc
from functools import partial
from pathlib import Path

from mvmoe_bench.measure.jobs.process import Session
from mvmoe_bench.measure.machine import held_memory
from mvmoe_bench.measure.machine.smaps import OwnFiles
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Memory
from mvmoe_deploy.runtime.memory import return_free_memory


def run(session: Session) -> None:
    """Exactly one subject: another's memory would be counted with it."""
    (subject,) = session.order.subjects
    session.attempt(subject, partial(_measure, session, subject))


def _measure(session: Session, subject: SubjectOrder) -> None:
    """Look, open, bring in what fits, answer, look, close, look."""
    order = session.order
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
            job=order.job,
            subject=subject.key,
            repeat=order.repeat,
            memory_of=held_memory.SOURCE,
            budget=subject.budget,
            base=base,
            loaded=loaded,
            peak_rss=held_memory.peak_rss_bytes(),
            released=held_memory.held(files),
        )
    )
