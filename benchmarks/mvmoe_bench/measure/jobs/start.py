"""One subject, from the start of this process to its first answer; then each graph's load."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from time import perf_counter_ns

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan, alone, started_alone
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Laps, Ns, RepeatRecord
from mvmoe_bench.measure.subjects.contract import Stopwatch
from mvmoe_deploy.routing import Route


class Start(RepeatRecord, tag="start", frozen=True):
    """A process of its own, from its start to its first answer."""

    process_ns: Ns
    """From the start of the process to the first line of its own code."""
    engine_import_ns: Ns
    code_import_ns: Ns
    parse_ns: Ns | None
    """Reading and checking the manifest; None for subjects without a bundle."""
    hash_ns: Ns | None
    """Comparing files with their hashes."""
    open_ns: Ns
    """Opening the engine and loading what every image needs."""
    first_ns: Ns
    """The first answer; loads the first expert."""
    first_laps: Laps | None

    @property
    def ready(self) -> int:
        """From opening it to its first answer: what an application waits for."""
        return (self.parse_ns or 0) + (self.hash_ns or 0) + self.open_ns + self.first_ns

    @property
    def python(self) -> int:
        """Before that: starting Python, or a JVM, and its modules, the engine's among them."""
        return self.process_ns + self.engine_import_ns + self.code_import_ns

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.ready > 0


class GraphLoad(RepeatRecord, tag="load", frozen=True):
    """A graph that came into memory, in a fresh process."""

    graph: str
    stage: Count
    route: Route | None
    load_ns: Ns
    first_ns: Ns | None
    """Its first run; None if it was not run by itself."""
    warm_ns: Ns | None
    """Its second run."""


class StartMeasurement(Measurement):
    """From the start of a process, which has one subject, to its first answer."""

    name = "start"
    position = 30
    records = (Start, GraphLoad)
    one_subject = True

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """A process for each subject that is started alone."""
        for subject in started_alone(plan, repeat):
            name = f"{self.name}:{subject.key}:{repeat}"
            yield Job(name, self, repeat, partial(alone, plan, subject))

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Open, answer once, and then bring in what was not needed for that."""
        process, watch = session.process, Stopwatch()
        opened = session.open(subject, watch)
        start = perf_counter_ns()
        query = subject.queries[0]
        traced = opened.trace(query)
        if traced is None:
            opened.answer(query)
        first_ns = perf_counter_ns() - start
        session.emit(
            Start(
                **session.fields_of(subject),
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
            session.emit(GraphLoad(**session.fields_of(subject), **asdict(loaded)))


PART = StartMeasurement()
