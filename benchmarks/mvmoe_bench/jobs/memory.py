"""What one subject holds: with nothing opened, with all images answered, with all closed."""

import gc
from functools import partial
from pathlib import Path

from mvmoe_bench import memory
from mvmoe_bench.jobs.process import Session
from mvmoe_bench.orders import SubjectOrder
from mvmoe_bench.records import Memory
from mvmoe_bench.smaps import OwnFiles
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
    memory.held(files)
    base = memory.held(files)
    opened = session.open(subject)
    opened.prewarm()
    for query in subject.queries:
        opened.answer(query)
    loaded = memory.held(files)
    opened.close()
    del opened
    gc.collect()
    return_free_memory()
    session.emit(
        Memory(
            job=order.job,
            subject=subject.key,
            repeat=order.repeat,
            memory_of=memory.SOURCE,
            budget=subject.budget,
            base=base,
            loaded=loaded,
            peak_rss=memory.peak_rss_bytes(),
            released=memory.held(files),
        )
    )
