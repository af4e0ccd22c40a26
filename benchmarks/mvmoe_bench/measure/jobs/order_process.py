"""What every job needs of its process: subjects that may fail, lines that get out, a status."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, TypeVar

import msgspec
import numpy as np

from mvmoe_bench.measure.jobs.contract import Measurement
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder
from mvmoe_bench.measure.schema.records import Failure, Record, RepeatFields
from mvmoe_bench.measure.subjects import find_kind
from mvmoe_bench.measure.subjects.contract import Stopwatch, Subject
from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import MvmoeError

T = TypeVar("T")

_FLUSH_AFTER = 1.0
"""Seconds between two writes to the pipe: writing in every round would disturb the next."""


@dataclass(frozen=True)
class Process:
    """How this process came to be, in nanoseconds."""

    start_ns: int
    engine_import_ns: int
    code_import_ns: int
    missing: ImportError | None = None
    """The engine's module that is not installed."""


class Session:
    """One order at work."""

    def __init__(self, order: MeasurementOrder, process: Process, out: BinaryIO) -> None:
        self.order = order
        self.process = process
        self.images = np.load(order.images)
        self._out = out
        self._waiting: list[bytes] = []
        self._flushed = perf_counter()
        self._encode = msgspec.json.Encoder().encode
        self._status = _status(order.status)

    def emit(self, line: Record) -> None:
        """Keep a line until the next flush."""
        self._waiting.append(self._encode(line) + b"\n")

    def fields_of(self, subject: SubjectOrder) -> RepeatFields:
        """What every line of a subject in this repeat begins with."""
        return {"job": self.order.job, "subject": subject.key, "repeat": self.order.repeat}

    def flush(self, now: bool = False) -> None:
        """Write lines out, if `now` or some time has passed."""
        if now or perf_counter() - self._flushed > _FLUSH_AFTER:
            self._out.write(b"".join(self._waiting))
            self._out.flush()
            self._waiting.clear()
            self._flushed = perf_counter()

    def at_work(self, subject: SubjectOrder) -> None:
        """Leave word which subject is at work, for the case that its engine ends the process."""
        if self._status is not None:
            self._status[0] = self.order.subjects.index(subject) + 1

    def attempt(
        self, subject: SubjectOrder, work: Callable[[], T], *, is_decisive: bool = True
    ) -> T | None:
        """What `work` gives; None if it raises, which is recorded as the subject's failure.

        Unless it `is_decisive`, the record names the subject in its message alone: what fails only
        tells of it, and it is measured further.
        """
        self.at_work(subject)
        try:
            return work()
        except Exception as error:  # An engine may raise anything.
            message = str(error) if isinstance(error, MvmoeError) else _error_line(error)
            self.emit(
                Failure(
                    job=self.order.job,
                    subject=subject.key if is_decisive else None,
                    message=message if is_decisive else f"{subject.key}: {message}",
                    code=error.code if isinstance(error, MvmoeError) else None,
                )
            )
            return None

    def open(self, subject: SubjectOrder, watch: Stopwatch | None = None) -> Subject:
        """Make a subject ready; raises what its engine raises."""
        if self.process.missing is not None:
            raise self.process.missing
        kind, watch = find_kind(subject.kind), watch or Stopwatch()
        # Finding a plug-in is not timed.
        watch.start()
        return kind.make(subject, self.images, watch)


def find_measurement(name: str) -> Measurement:
    """The measurement of that name; raises InputError for an unknown one."""
    found: Measurement = part_lookup.find("measurements", name)
    return found


def run_job(text: str, process: Process, out: BinaryIO) -> None:
    """Do what an order says; whatever was measured is written, even after an interruption."""
    order = msgspec.json.decode(text, type=MeasurementOrder)
    session = Session(order, process, out)
    try:
        find_measurement(order.kind).run(session)
    finally:
        session.flush(now=True)


def _status(path: str | None) -> mmap.mmap | None:
    """The byte that the starting process reads if this one dies."""
    if path is None:
        return None
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), 1)


def _error_line(error: Exception) -> str:
    """An engine's exception in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
