"""The demo app on a phone: whether it is there, what it can do, starting it, its files."""

import shlex
import time
from functools import cached_property

import msgspec

from mvmoe_bench.measure.devices.android.adb import Adb, ShellAnswer
from mvmoe_bench.measure.phones import phone_errors
from mvmoe_bench.measure.phones.description import Description
from mvmoe_bench.measure.phones.link import Look
from mvmoe_deploy.errors import EngineError, UnsupportedPlatformError

PACKAGE = "io.github.mvmoe.demo"
_ACTIVITY = f"{PACKAGE}/.bench.OrderActivity"
_FILES = "files/bench"
"""Below the app's own folder, where `run-as` begins."""

_DESCRIBED_WITHIN = 60.0
"""Seconds; the app loads its engines to tell their versions."""

_LOOK_EVERY = 2.0
"""Seconds between two looks: each wakes a core of the phone for some milliseconds."""

_LINES = b"\nmvmoe-lines\n"

_BUILD = (
    "in a checkout run android_demo/build-apk, and then adb install -r "
    "android_demo/target/mvmoe-demo.apk"
)


class DemoApp:
    """The app of `android_demo/` on one phone."""

    system = "Android"

    def __init__(self, adb: Adb) -> None:
        self._adb = adb
        self.phone = adb.serial
        self.look_every = _LOOK_EVERY

    def require(self) -> None:
        """Refuse a phone without it, or with a build whose files adb may not read.

        Raises UnsupportedPlatformError (`device.app-missing`).
        """
        serial = self._adb.serial
        if not self._adb.ask(f"pm path {PACKAGE}"):
            raise UnsupportedPlatformError(
                f"the phone {serial} does not have the app {PACKAGE}, which measures there; "
                f"{_BUILD}",
                code="device.app-missing",
                serial=serial,
            )
        answer = self.run("true")
        if answer.code:
            raise UnsupportedPlatformError(
                f"the app {PACKAGE} on the phone {serial} is no build whose files adb may read "
                f"({answer.reason}); {_BUILD}",
                code="device.app-missing",
                serial=serial,
            )

    def run(self, command: str, seconds: float = 60.0) -> ShellAnswer:
        """Run a command of the shell as the app, in the app's own folder."""
        return self._adb.shell(as_app(command), seconds)

    @cached_property
    def folder(self) -> str:
        """The app's own folder, as a path that the app can use too."""
        return self._adb.do(as_app("pwd"), "say where the app's files are").text

    @cached_property
    def description(self) -> Description:
        """What the app says of itself, asked once; raises EngineError if it does not."""
        self.forget("order-*")
        self._start("order-describe", "--es describe true")
        path = f"{self.place('order-describe')}/describe.json"
        deadline = time.monotonic() + _DESCRIBED_WITHIN
        while (answer := self.run(f"cat {path}")).code:
            if time.monotonic() > deadline:
                raise self._silent(
                    f"has not said within {_DESCRIBED_WITHIN:.0f} s what it can do", "no answer"
                )
            time.sleep(0.2)
        try:
            return msgspec.json.decode(answer.out, type=Description)
        except msgspec.MsgspecError as error:
            raise self._silent(
                f"is of another version than this mvmoe ({error})", "another version"
            ) from error

    def start(self, name: str, order: str) -> None:
        """Start its bench in a fresh process with an order, for the folder of that name."""
        self._start(name, f"--es order {order}")

    def stop(self) -> None:
        """End its process."""
        self._adb.shell(f"am force-stop {PACKAGE}")

    def place(self, name: str) -> str:
        """The folder of that name, below the app's own."""
        return f"{_FILES}/{name}"

    def forget(self, pattern: str) -> None:
        """Remove folders of the bench, by a name or a pattern."""
        self.run(f"rm -rf {_FILES}/{pattern}")

    def end_reason(self) -> str | None:
        """Why the system, or the app's own fault, last ended its process; None if it is not told.

        Android tells since its version 11.
        """
        said = self._adb.ask(f"dumpsys activity exit-info {PACKAGE}") or ""
        for line in said.splitlines():
            _, found, rest = line.partition("reason=")
            if found and "(" in rest:
                return rest.partition("(")[2].partition(")")[0].strip().lower()
        return None

    def look(self, name: str, have: int) -> Look:
        """The state, then what is new of the lines."""
        place = self.place(name)
        fetch = f"tail -c +{have + 1} {place}/lines.jsonl"
        command = f"cat {place}/state.json; printf '{_escaped(_LINES)}'; {fetch}"
        head, _, more = self._adb.shell(f"{as_app(command)} 2>/dev/null").out.partition(_LINES)
        return Look(head, more)

    def at_work(self, name: str) -> int:
        """The byte in `status`."""
        status = self.run(f"cat {self.place(name)}/status").out[:1]
        return status[0] if status else 0

    def _start(self, name: str, extras: str) -> None:
        """Start its bench in a fresh process; raises EngineError if the system does not."""
        command = f"am start -W -S -n {_ACTIVITY} --es name {name} {extras}"
        answer = self._adb.do(command, f"start the app {PACKAGE}")
        if "Error" in answer.text:
            raise phone_errors.failed(self._adb.serial, f"start the app {PACKAGE}", answer.reason)

    def _silent(self, what: str, found: str) -> EngineError:
        """An app that does not say what it can do."""
        return EngineError(
            f"the app {PACKAGE} on the phone {self._adb.serial} {what}; start it by hand and look "
            f"at it, or install it again: {_BUILD}",
            code="device.app-ended",
            serial=self._adb.serial,
            found=found,
        )


def as_app(command: str) -> str:
    """A command of the shell as one that runs as the app, in the app's own folder."""
    return f"run-as {PACKAGE} sh -c {shlex.quote(command)}"


def _escaped(text: bytes) -> str:
    """For the shell's printf."""
    return text.decode().replace("\n", "\\n")
