"""The demo app on an iPhone: whether it is there, starting it, what it says, its files."""

import os
import plistlib
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_bench.measure.devices.ios.container import ANSWERS, AppContainer
from mvmoe_bench.measure.devices.ios.speaking import PhoneLine
from mvmoe_bench.measure.phones.description import Description
from mvmoe_bench.measure.phones.link import Look
from mvmoe_deploy.errors import EngineError, InputError, UnsupportedPlatformError

VARIABLE = "MVMOE_IOS_APP"
"""Names the app: its bundle identifier, or a folder `.app` that is installed first."""

IDENTIFIER = "io.github.mvmoe.demo"
"""That of the demo, unless a team had to give it another one."""

LOOK_EVERY = 5.0
"""Seconds between two looks: each copies two files, by radio perhaps."""

DESCRIBED_WITHIN = 60.0
"""Seconds; the app asks its engines for their versions."""

_INSTALL_SECONDS = 300.0
_BUILD = (
    "in a checkout open ios_demo/MVMoEDemo.xcodeproj, choose your team and run it on the phone; "
    f"{VARIABLE} names another bundle identifier, or an app that was built"
)


class IosApp:
    """The app of `ios_demo/` on one phone."""

    system = "iOS"

    def __init__(self, line: PhoneLine) -> None:
        self._line = line
        self.phone = line.name
        self.look_every = LOOK_EVERY
        self._started: int | None = None
        self._looks = 0

    @cached_property
    def identifier(self) -> str:
        """Its bundle identifier; raises InputError for an app of this machine that is none."""
        word = os.environ.get(VARIABLE) or IDENTIFIER
        return _identifier_in(Path(word)) if word.endswith(".app") else word

    @cached_property
    def container(self) -> AppContainer:
        """Its folder on the phone."""
        return AppContainer(self._line, self.identifier)

    def require(self) -> None:
        """Install it if it was built here; refuse a phone without it.

        Raises UnsupportedPlatformError (`device.app-missing`), or EngineError for a phone that is
        locked or refuses the app.
        """
        built = os.environ.get(VARIABLE, "")
        if built.endswith(".app"):
            self._install(Path(built))
        found = self._line.ask(["info", "apps", "--bundle-id", self.identifier], "list its apps")
        apps = found.get("apps", [])
        if not any(app.get("bundleIdentifier") == self.identifier for app in apps):
            raise UnsupportedPlatformError(
                f"the phone {self.phone} does not have the app {self.identifier}, which measures "
                f"there; {_BUILD}",
                code="device.app-missing",
                serial=self.phone,
            )

    @cached_property
    def description(self) -> Description:
        """What the app says of itself, asked once."""
        return self.describe()

    def describe(self) -> Description:
        """What the app says of itself and its phone now; raises EngineError if it does not."""
        name = f"describe-{time.time_ns():x}"
        self._start(name, "--describe")
        deadline = time.monotonic() + DESCRIBED_WITHIN
        while (text := self.container.read(f"{ANSWERS}/{name}/describe.json")) is None:
            if time.monotonic() > deadline:
                raise self._silent(
                    f"has not said within {DESCRIBED_WITHIN:.0f} s what it can do", "no answer"
                )
            time.sleep(min(1.0, self.look_every))
        try:
            return msgspec.json.decode(text, type=Description)
        except msgspec.MsgspecError as error:
            raise self._silent(
                f"is of another version than this mvmoe ({error})", "another version"
            ) from error

    def start(self, name: str, order: str) -> None:
        """Start it in a fresh process with an order, for the folder of that name."""
        self._start(name, "--order", order)

    def stop(self) -> None:
        """End its process."""
        if self._started is not None:
            pid = str(self._started)
            self._line.ask(["process", "terminate", "--pid", pid, "--kill"], "end the app")

    def look(self, name: str, have: int) -> Look:
        """The state, then the lines: a file is copied whole, whatever is here already."""
        state = self.container.read(f"{ANSWERS}/{name}/state.json") or b""
        lines = self.container.read(f"{ANSWERS}/{name}/lines.jsonl") or b""
        return Look(state, lines[have:])

    def at_work(self, name: str) -> int:
        """The byte in `status`."""
        status = self.container.read(f"{ANSWERS}/{name}/status") or b""
        return status[0] if status else 0

    def end_reason(self) -> str | None:
        """Whether its process lives: iOS does not tell why one has ended."""
        if self._started is None:
            return None
        found = self._line.ask(["info", "processes"], "list its processes")
        alive = any(_pid(process) == self._started for process in found.get("runningProcesses", []))
        return "its process lives, and hangs" if alive else "its process has ended"

    def forget(self, name: str) -> None:
        """Nothing: devicectl removes no files. The app removes what is a day old."""

    def _install(self, app: Path) -> None:
        """Install an app of this machine; one that is none is refused before."""
        _identifier_in(app)
        self._line.ask(["install", "app", str(app)], f"install {app.name}", _INSTALL_SECONDS)

    def _start(self, name: str, *words: str) -> None:
        """Start it in a fresh process; it writes to the folder of that name."""
        command = [
            "process", "launch", "--terminate-existing", self.identifier,
            "--", "--bench", name, *words,
        ]  # fmt: skip
        result = self._line.ask(command, f"start the app {self.identifier}")
        self._started = _pid(result.get("process", {}))

    def _silent(self, what: str, found: str) -> EngineError:
        """An app that does not say what it can do."""
        return EngineError(
            f"the app {self.identifier} on the phone {self.phone} {what}; start it by hand and "
            f"look at it, or install it again: {_BUILD}",
            code="device.app-ended",
            serial=self.phone,
            found=found,
        )


def _pid(process: dict[str, Any]) -> int | None:
    number = process.get("processIdentifier")
    return number if isinstance(number, int) else None


def _identifier_in(app: Path) -> str:
    """The bundle identifier of an app that was built; raises InputError for something else."""
    try:
        with (app / "Info.plist").open("rb") as file:
            found = plistlib.load(file).get("CFBundleIdentifier")
    except (OSError, plistlib.InvalidFileException, ValueError) as error:
        raise InputError(
            f"{VARIABLE} names {app}, which is no app that Xcode has built ({error}); give the "
            "folder MVMoEDemo.app of a build for a device",
            code="input.option",
            name=VARIABLE,
            given=str(app),
        ) from error
    if not isinstance(found, str):
        raise InputError(
            f"{VARIABLE} names {app}, whose Info.plist has no bundle identifier; build it again",
            code="input.option",
            name=VARIABLE,
            given=str(app),
        )
    return found
