"""An order that a program of this machine follows: each time a process of its own.

The program takes one order on its standard input and gives lines of a results file on its standard
output; what its engines print goes to its standard error. `--lifeline DESCRIPTOR` is the end of a
pipe that closes with the process that planned: the program ends with it. Ctrl-C (SIGINT) lets it
write down what it has measured.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mvmoe_bench.measure.devices.contract import Emit
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Failure, Record
from mvmoe_deploy.system.temporary import temporary_directory

_KILL_GRACE = 20
"""Seconds that an interrupted process has to write down what it measured."""


@dataclass(frozen=True)
class OrderProgram:
    """What follows orders on this machine."""

    command: Sequence[str]
    environment: Mapping[str, str]
    """All of it, as its processes have it."""


def follow(order: MeasurementOrder, program: OrderProgram, emit: Emit) -> None:
    """Follow an order in a fresh process; again without a subject that ends the process."""
    while order.subjects:
        ended = _follow(order, program)
        if ended.signal_or_code == 0 or ended.interrupted is not None:
            for line in ended.lines:
                emit(line)
        if ended.interrupted is not None:
            raise ended.interrupted
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
    interrupted: KeyboardInterrupt | None

    @property
    def message(self) -> str:
        """Why it ended, in one sentence."""
        code = self.signal_or_code
        how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
        last = self.stderr.strip().splitlines()
        return f"its process was ended {how}" + (f": {last[-1][:300]}" if last else "")


def _follow(order: MeasurementOrder, program: OrderProgram) -> _Ended:
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
                [*program.command, "--lifeline", str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=lines,
                stderr=stderr,
                env=dict(program.environment),
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


def _send_and_wait(process: subprocess.Popen[bytes], text: bytes) -> KeyboardInterrupt | None:
    """Send a process its order and wait for it; gives what has interrupted this one, if so."""
    try:
        process.communicate(text)
    except KeyboardInterrupt as interruption:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_KILL_GRACE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        return interruption
    except BrokenPipeError:
        process.wait()
    return None
