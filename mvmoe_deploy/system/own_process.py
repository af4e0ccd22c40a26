"""Work in a Python process of its own, so that what ends that process does not end this one.

Engines parse files in native code, and some malformed files end the process (a segmentation fault,
an abort) or never come to an end. `OwnProcess` is this side: it sends messages, receives answers
within a time limit, and says how a process ended. `main` is the other side.

The process ends with this one, however that ends. Its stdout and stderr go to a file, whose last
line says more about an end than its signal does. Ctrl-C reaches this process alone, which ends the
other. Messages are bytes: nothing that comes back is unpickled, and no answer can be larger than
the caller allows.
"""

import contextlib
import importlib
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from typing import IO, Any

from mvmoe_deploy.system.processes import end_when_closed
from mvmoe_deploy.text import one_line

_LENGTH = struct.Struct("<Q")
_CLEANUP_SECONDS = 10
"""How long a process may take for its clean-up before it is killed."""

_MAX_OUTPUT_BYTES = 2**20
_MAX_QUOTED = 300
"""Characters of its last line that a message quotes."""


class ProcessEndedError(Exception):
    """The process ended before it answered; the text says how: `by SIGSEGV`."""


class ProcessTimeoutError(Exception):
    """The process did not answer in time and was killed."""


class OwnProcess:
    """A process that runs `work`, given as `module:function`, and a channel to it.

    Not thread-safe: the caller lets one message and its answers pass at a time.
    """

    def __init__(self, work: str) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `end`
        self._output_before = 0
        self._line, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                # Without the current directory in the path: a bundle may lie beside a numpy.py.
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "mvmoe_deploy.system.own_process",
                    work,
                    str(other.fileno()),
                ],
                stdin=subprocess.PIPE,  # Its end tells the process that this one is gone.
                stdout=self._output,
                stderr=self._output,
                pass_fds=[other.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        self._end = weakref.finalize(self, _end, self._process, self._line, self._output)

    @property
    def alive(self) -> bool:
        """Whether it can be sent messages."""
        return self._end.alive

    def send(self, message: bytes, seconds: float) -> None:
        """Send a message; raises ProcessEndedError or ProcessTimeoutError."""
        with self._ending():
            self._output_before = os.fstat(self._output.fileno()).st_size
            self._line.settimeout(seconds)
            self._line.sendall(_LENGTH.pack(len(message)))
            self._line.sendall(message)

    def receive(self, most: int, seconds: float) -> bytearray:
        """Its next message, of at most `most` bytes.

        Raises ProcessEndedError or ProcessTimeoutError; the process is gone then.
        """
        with self._ending():
            self._line.settimeout(seconds)
            (length,) = _LENGTH.unpack(_exactly(self._line, _LENGTH.size))
            if length > most:
                self._process.kill()
                raise ProcessEndedError(f"with an answer of {length} bytes where {most} make sense")
            return _exactly(self._line, length)

    def end(self) -> None:
        """End the process; it may clean up first."""
        self._end()

    @contextlib.contextmanager
    def _ending(self) -> Any:
        """End the process if a message is not passed as a whole: the next could not be found."""
        try:
            yield
        except (EOFError, ConnectionError) as error:
            raise ProcessEndedError(self._how_it_ended()) from error
        except TimeoutError as error:
            self._kill()
            raise ProcessTimeoutError from error
        except BaseException:
            self._kill()
            raise

    def _wait_for_end(self) -> str:
        """How the process ends; one that has only closed its channel does not end by itself."""
        try:
            return _how_of_code(self._process.wait(_CLEANUP_SECONDS))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "by closing its channel without an end"

    def _kill(self) -> None:
        self._process.kill()
        self._end()

    def _how_it_ended(self) -> str:
        """By which signal or exit code, and what it wrote last since it was sent a message."""
        how = self._wait_for_end()
        self._output.seek(self._output_before)
        lines = self._output.read(_MAX_OUTPUT_BYTES).decode(errors="replace").strip().splitlines()
        self._end()
        return how + (f": {one_line(lines[-1], _MAX_QUOTED)}" if lines else "")


def _how_of_code(code: int) -> str:
    """How a process ended that gave this code, as Python writes it: negative for a signal."""
    if code >= 0:
        return f"with exit code {code}"
    known = -code in set(signal.Signals)
    return f"by {signal.Signals(-code).name}" if known else f"by signal {-code}"


def _end(process: subprocess.Popen[bytes], line: socket.socket, output: IO[bytes]) -> None:
    """Let a process end, or kill it; also called when its owner is forgotten, and at exit."""
    line.close()
    try:
        process.wait(_CLEANUP_SECONDS)
    except BaseException as error:
        process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
    finally:
        if process.stdin is not None:
            process.stdin.close()
        output.close()


def _exactly(line: socket.socket, count: int) -> bytearray:
    """Exactly `count` bytes; raises EOFError if there are fewer."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        received = line.recv_into(view[done:])
        if not received:
            raise EOFError
        done += received
    return data


class Channel:
    """The other process's end: messages come in, answers go out."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def receive(self) -> bytearray | None:
        """The next message; None when there will be none."""
        try:
            (length,) = _LENGTH.unpack(_exactly(self._line, _LENGTH.size))
            return _exactly(self._line, length)
        except (EOFError, ConnectionError):
            return None

    def send(self, message: bytes) -> None:
        """Answer."""
        self._line.sendall(_LENGTH.pack(len(message)))
        self._line.sendall(message)


def is_own_process() -> bool:
    """Whether this process was started by `OwnProcess`: nothing runs in it but its work."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name == __name__


def main(work: str, descriptor: int) -> None:
    """Do `work` over the channel, until it returns."""
    # A file may be made to crash this process: nobody needs a core dump of that.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _end_with_parent()
    module, _, name = work.partition(":")
    function: Callable[[Channel], None] = getattr(importlib.import_module(module), name)
    with socket.socket(fileno=descriptor) as line:
        function(Channel(line))


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, whatever runs here.

    A thread waits for the end of stdin. An engine that never comes back may hold Python's lock, and
    then no thread runs: so the kernel is asked as well, where it has a signal for that.
    """
    end_when_closed(0)
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1], int(sys.argv[2]))
