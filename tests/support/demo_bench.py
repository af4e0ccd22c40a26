"""The iOS demo's measurements as a program of this machine, over ONNX Runtime; built if need be.

`ios_demo/Logic` builds it: what the app does when `mvmoe bench --device ios` launches it, and what
its button *Measure* does, without a screen.
"""

import subprocess
from functools import cache

from filelock import FileLock
from runner_program import is_older
from swift_runner import LACKS, ROOT, SOURCES, WITH_SWIFT

__all__ = ["LACKS", "build", "command"]

_PACKAGE = ROOT / "ios_demo/Logic"
_PROGRAM = _PACKAGE / ".build/debug/demo-bench"
_USAGE = 2


def build() -> None:
    """Build the program, unless it is newer than all of its sources."""
    _PROGRAM.parents[1].mkdir(parents=True, exist_ok=True)
    with FileLock(_PROGRAM.parents[1] / "demo-bench.lock"):
        folders = [_PACKAGE / "Sources", *(ROOT / folder for folder in SOURCES)]
        sources = [path for folder in folders for path in folder.rglob("*.*")]
        if is_older(_PROGRAM, [_PACKAGE / "Package.swift", ROOT / "Package.swift", *sources]):
            words = ["build", "--package-path", str(_PACKAGE), "--product", "demo-bench"]
            subprocess.run([WITH_SWIFT, *words], check=True, cwd=ROOT)
            _PROGRAM.touch()


@cache
def command() -> list[str]:
    """The words that start the program, which is built."""
    alone = [str(_PROGRAM)]
    if subprocess.run(alone, capture_output=True, check=False).returncode == _USAGE:
        return alone
    loader = subprocess.run(
        [ROOT / "tools/swift-here", "loader"], capture_output=True, text=True, check=True
    )
    return [*loader.stdout.splitlines(), *alone]
