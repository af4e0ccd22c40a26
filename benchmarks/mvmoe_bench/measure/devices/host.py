"""This machine: each order is a process of its own, `python -m mvmoe_bench.measure.worker`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.machine.identity import identity, load_average
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import EngineChoice, Failure, Record
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.runtime.runners import find_runner
from mvmoe_deploy.system.temporary import temporary_directory

_KILL_GRACE = 20
"""Seconds that an interrupted process has to write down what it measured."""
_THREADS_OF = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What sets the threads of NumPy's BLAS, which makes the reference product."""
_WORKER = (sys.executable, "-P", "-m", "mvmoe_bench.measure.worker")
"""-P: without the current directory, where another numpy.py may lie."""


class HostDevice:
    """This machine, with every engine that runs here from Python."""

    name = "host"

    def is_this_machine(self) -> bool:
        """Yes, but on a Mac: a device of its own describes that better."""
        return sys.platform != "darwin"

    def require(self) -> None:
        """It is always there."""

    def identity(self) -> dict[str, Any]:
        """This machine's."""
        return identity()

    def load_average(self) -> tuple[float, ...] | None:
        """This machine's."""
        found = load_average()
        return None if found is None else tuple(found)

    def subjects(self) -> tuple[str, ...] | None:
        """All."""
        return None

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """As the runner of its format says; engines that it knows run in processes of their own."""
        runner = find_runner(target.format, plugins=plugins)
        return [
            Variant(
                EngineChoice(engine=variant.engine, provider=variant.provider),
                dict(variant.engine_options),
                variant.modules,
                variant.label,
            )
            for variant in runner.variants(target)
        ]

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Follow an order in a fresh process; again without a subject that ends the process."""
        while order.subjects:
            ended = _follow(order)
            if ended.signal_or_code == 0 or ended.interrupted:
                for line in ended.lines:
                    emit(line)
            if ended.interrupted:
                raise KeyboardInterrupt
            if ended.signal_or_code == 0:
                return
            emit(Failure(job=order.job, subject=ended.at_work, message=ended.message))
            kept = tuple(subject for subject in order.subjects if subject.key != ended.at_work)
            if ended.at_work is None:
                return
            order = msgspec.structs.replace(order, subjects=kept)


@dataclass(frozen=True)
class _Ended:
    """How a process ended, and the lines that it gave."""

    lines: list[Record]
    signal_or_code: int
    at_work: str | None
    """The subject that it worked on last."""
    stderr: str
    interrupted: bool

    @property
    def message(self) -> str:
        """Why it ended, in one sentence."""
        code = self.signal_or_code
        how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
        last = self.stderr.strip().splitlines()
        return f"its process was ended {how}" + (f": {last[-1][:300]}" if last else "")


def _follow(order: MeasurementOrder) -> _Ended:
    """Let a process follow an order, and wait for its end.

    It stands in a session of its own: Ctrl-C reaches this process alone, which passes it on. Its
    lifeline is a pipe that closes with this process, even if that is killed.
    """
    with temporary_directory() as folder:
        status, out, errors = folder / "status", folder / "lines", folder / "stderr"
        status.write_bytes(b"\0")
        with out.open("wb") as lines, errors.open("wb") as stderr, _lifeline() as lifeline:
            # Before it is started: what the system needs to start it is a part of a start.
            sent = msgspec.structs.replace(
                order, status=str(status), started_ns=time.monotonic_ns()
            )
            process = subprocess.Popen(
                [*_WORKER, "--lifeline", str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=lines,
                stderr=stderr,
                env=_environment(order),
                start_new_session=True,
                pass_fds=(lifeline,),
            )
            interrupted = _send_and_wait(process, msgspec.json.encode(sent))
        position = status.read_bytes()[0]
        return _Ended(
            lines=list(results.decode_lines(out.read_bytes())),
            signal_or_code=process.returncode,
            at_work=order.subjects[position - 1].key if position else None,
            stderr=errors.read_text(errors="replace"),
            interrupted=interrupted,
        )


@contextlib.contextmanager
def _lifeline() -> Iterator[int]:
    """The end of a pipe for a process that is to end with this one."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def _send_and_wait(process: subprocess.Popen[bytes], text: bytes) -> bool:
    """Send a process its order and wait for it; gives whether this one was interrupted."""
    try:
        process.communicate(text)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_KILL_GRACE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        return True
    except BrokenPipeError:
        process.wait()
    return False


def _environment(order: MeasurementOrder) -> dict[str, str]:
    """This process's environment, with the order's threads."""
    threads = str(max(subject.threads for subject in order.subjects))
    return {**os.environ, **dict.fromkeys(_THREADS_OF, threads), "PYTHONUNBUFFERED": "1"}


PART = HostDevice
