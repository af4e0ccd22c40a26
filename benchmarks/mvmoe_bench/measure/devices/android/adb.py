"""The program `adb`, one call after the other."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mvmoe_bench.measure.phones import phone_errors
from mvmoe_deploy.errors import MissingExtraError

_PROGRAM = "adb"
_END = re.compile(rb"\nmvmoe-end (\d+)\s*\Z")
"""What every command of the phone's shell ends with, and its exit code."""

_SECONDS = 60.0
"""Within which a short command answers; a phone that takes longer has been lost."""

_SLOWEST_PUSH = 500_000
"""Bytes a second that any cable transfers."""


@dataclass(frozen=True)
class ShellAnswer:
    """How a command of the phone's shell ended."""

    code: int
    out: bytes
    said: str
    """What it wrote to its standard error."""

    @property
    def text(self) -> str:
        """Its output as text, without spaces around it."""
        return self.out.decode(errors="replace").strip()

    @property
    def reason(self) -> str:
        """The last line of what it said, for a sentence."""
        lines = (self.said.strip() or self.text).splitlines()
        return lines[-1][:300] if lines else f"exit code {self.code}"


class Adb:
    """What is said to one phone.

    A connection that breaks ends `adb` without an error of its own (its exit code is 0): therefore
    every command of the shell says at its end that this is its end.
    """

    def __init__(self, serial: str) -> None:
        self.serial = serial

    def shell(self, command: str, seconds: float = _SECONDS) -> ShellAnswer:
        """Run a command of the phone's shell, whatever its exit code.

        Raises EngineError (`device.lost`) if the phone is gone or takes too long.
        """
        words = ["shell", "-n", "-T", f"({command}\n); printf '\\nmvmoe-end %d' $?"]
        ended = self._call(words, seconds)
        said = ended.stderr.decode(errors="replace")
        end = _END.search(ended.stdout)
        if end is None:
            raise phone_errors.lost(self.serial, _last_line(said))
        return ShellAnswer(int(end[1]), ended.stdout[: end.start()], said)

    def ask(self, command: str) -> str | None:
        """The output of a command that looks something up; None if it fails."""
        answer = self.shell(command)
        return answer.text if answer.code == 0 else None

    def do(self, command: str, what: str, seconds: float = _SECONDS) -> ShellAnswer:
        """Run a command that has to go well; `what` says what it does: `keep the order`.

        Raises EngineError if it does not: `device.full`, `device.lost` or `device.failed`.
        """
        answer = self.shell(command, seconds)
        if answer.code == 0:
            return answer
        if phone_errors.is_full(answer.said):
            raise phone_errors.full(self.serial, what)
        raise phone_errors.failed(self.serial, what, answer.reason)

    def push(self, local: Path, remote: str, size: int) -> None:
        """Copy a file or a directory of so many bytes to a path that nothing is at.

        Raises EngineError, as `do` does.
        """
        ended = self._call(["push", str(local), remote], _SECONDS + size / _SLOWEST_PUSH)
        if ended.returncode == 0:
            return
        said = (ended.stderr + ended.stdout).decode(errors="replace")
        if phone_errors.is_full(said):
            raise phone_errors.full(self.serial, local.name)
        if re.search(r"device (offline|'.*' not found)|closed|EOF|no devices|reset", said):
            raise phone_errors.lost(self.serial, _last_line(said))
        raise phone_errors.failed(self.serial, f"take {local.name}", _last_line(said))

    def _call(self, words: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
        """Call adb for this phone; raises EngineError if it takes too long."""
        try:
            return call(["-s", self.serial, *words], seconds)
        except subprocess.TimeoutExpired as error:
            raise phone_errors.lost(self.serial, f"no answer within {seconds:.0f} s") from error


def call(words: Sequence[str], seconds: float = _SECONDS) -> subprocess.CompletedProcess[bytes]:
    """Call adb; raises MissingExtraError without one, TimeoutExpired if it takes too long."""
    try:
        return subprocess.run(
            [_PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise MissingExtraError(
            "the device android needs the program adb, which is not on the PATH; install Android's "
            "platform-tools (on Debian: apt install adb)",
            what="adb",
        ) from error


def _last_line(said: str) -> str:
    """The last of several lines, for a sentence."""
    lines = said.strip().splitlines()
    return lines[-1][:300] if lines else ""
