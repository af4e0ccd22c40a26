"""One subject, from the start of this process to its first answer; then each graph's load."""

from collections.abc import Iterator
from functools import partial
from time import perf_counter_ns

from mvmoe_bench.measure.jobs.contract import Job, Plan, alone, started_alone
from mvmoe_bench.measure.jobs.process import LapStopwatch, Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import GraphLoad, Start


def _start(session: Session, subject: SubjectOrder) -> None:
    """Open, answer once, and then bring in what was not needed for that."""
    order, process = session.order, session.process
    watch = LapStopwatch()
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


class StartMeasurement:
    """From the start of a process to its first answer."""

    name = "start"
    position = 30
    one_subject = True
    compares_answers = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each subject that is started alone."""
        if repeat < plan.preset.starts:
            for subject in started_alone(plan, repeat):
                name = f"{self.name}:{subject.key}:{repeat}"
                yield Job(name, self, repeat, partial(alone, plan, subject))

    def run(self, session: Session) -> None:
        """Exactly one subject: a process starts once."""
        (subject,) = session.order.subjects
        session.attempt(subject, partial(_start, session, subject))


PART = StartMeasurement()
