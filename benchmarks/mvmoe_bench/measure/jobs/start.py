"""One subject, from the start of this process to its first answer; then each graph's load."""

from functools import partial
from time import perf_counter_ns

from mvmoe_bench.measure.jobs.process import Lapse, Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import GraphLoad, Start


def run(session: Session) -> None:
    """Exactly one subject: a process starts once."""
    (subject,) = session.order.subjects
    session.attempt(subject, partial(_start, session, subject))


def _start(session: Session, subject: SubjectOrder) -> None:
    """Open, answer once, and then bring in what was not needed for that."""
    order, process = session.order, session.process
    watch = Lapse()
    opened = session.open(subject, watch)
    start = perf_counter_ns()
    query = subject.queries[0]
    traced = opened.trace(query)
    if traced is None:
        opened.answer(query)
    first_ns = perf_counter_ns() - start
    session.emit(
        Start(
            job=order.job,
            subject=subject.key,
            repeat=order.repeat,
            process_ns=process.start_ns,
            engine_import_ns=process.engine_import_ns,
            code_import_ns=process.code_import_ns,
            parse_ns=watch.spent.get("parse"),
            hash_ns=watch.spent.get("hash"),
            open_ns=watch.spent.get("open", 0),
            first_ns=first_ns if traced is None else traced.laps.total,
            first_laps=None if traced is None else traced.laps,
        )
    )
    for loaded in opened.loads():
        session.emit(
            GraphLoad(
                job=order.job,
                subject=subject.key,
                repeat=order.repeat,
                graph=loaded.graph,
                stage=loaded.stage,
                route=loaded.route,
                load_ns=loaded.load_ns,
                first_ns=loaded.first_ns,
                warm_ns=loaded.warm_ns,
            )
        )
