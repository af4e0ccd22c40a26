"""The Swift library on this machine: its dispatcher follows the orders, beside that in Python.

`make swift-runner` builds the program (`swift/Sources/mvmoe-runner`); `MVMOE_SWIFT_RUNNER` names
another one. A program that was built by `tools/swift-here` needs that Debian's libraries: it is
started by the dynamic loader of these, which takes no time that the program would not need itself.
"""

import os
import subprocess
from functools import cached_property
from pathlib import Path

from mvmoe_bench.measure.devices.beside_python import DeviceBesidePython
from mvmoe_bench.measure.following import OrderProgram
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError

_RUNNER = "MVMOE_SWIFT_RUNNER"
"""Names the runner."""

_CHECKOUT = Path(__file__).parents[4]
_BUILT = _CHECKOUT / ".build/release/mvmoe-runner"
"""Where a checkout has it."""

_SWIFT_HERE = _CHECKOUT / "tools/swift-here"
"""What brings Swift to a machine that has none."""


class SwiftDevice(DeviceBesidePython):
    """This machine, with the Swift library, and Python's dispatcher beside it."""

    name = "swift"
    language = "Swift"
    version = "swift"
    built_by = "make swift-runner"

    def require(self) -> None:
        """Refuse a machine without the runner."""
        if not self._runner.is_file():
            raise MissingExtraError(
                f"the device swift needs the runner of the Swift library, and {self._runner} does "
                f"not exist; run {self.built_by} in a checkout, or name the program in {_RUNNER}",
                what="mvmoe-runner",
            )

    def program(self, *words: str) -> OrderProgram:
        """The runner as a program."""
        return OrderProgram((*self._start, *(words or ("order",))), os.environ)

    @property
    def _runner(self) -> Path:
        """The runner's file."""
        return Path(os.environ.get(_RUNNER) or _BUILT).absolute()

    @cached_property
    def _start(self) -> tuple[str, ...]:
        """The words that start the runner here, looked for once."""
        alone = (str(self._runner),)
        if _starts(alone):
            return alone
        loaded = (*_loader(), *alone)
        # What the program says by itself is the reason where neither starts.
        return loaded if _starts(loaded) else alone


def _starts(command: tuple[str, ...]) -> bool:
    """Whether this machine has the libraries of a runner."""
    try:
        said = subprocess.run([*command, "describe"], capture_output=True, check=False)
    except OSError as error:
        raise UnsupportedPlatformError(
            f"the runner of the Swift library does not start: {error}",
            name="mvmoe-runner",
            expected="a start",
            found=str(error),
        ) from error
    return said.returncode == 0


def _loader() -> tuple[str, ...]:
    """The loader of the Debian that tools/swift-here has set up; nothing where there is none."""
    if not _SWIFT_HERE.is_file():
        return ()
    said = subprocess.run([_SWIFT_HERE, "loader"], capture_output=True, text=True, check=False)
    return tuple(said.stdout.splitlines()) if said.returncode == 0 else ()


PART = SwiftDevice
