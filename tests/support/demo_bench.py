"""The iOS demo's measurements as a program of this machine, over ONNX Runtime; built if need be.

It is what the app does when `mvmoe bench --device ios` launches it, and what its button *Measure*
does, without a screen: `ios_demo/Logic`.
"""

import subprocess
from functools import cache

from filelock import FileLock
from runner_program import is_older
from swift_runner import LACKS, ROOT, SOURCES, WITH_SWIFT

__all__ = ["LACKS", "build", "command"]

_PROGRAM = ROOT / ".build/debug/demo-bench"
_SOURCES = ("ios_demo/Logic/Sources", *SOURCES)
_USAGE = 2


def build() -> None:
    """Build the program, unless it is newer than all of its sources."""
    _PROGRAM.parents[1].mkdir(exist_ok=True)
    with FileLock(_PROGRAM.parents[1] / "runner.lock"):
        sources = [path for folder in _SOURCES for path in (ROOT / folder).rglob("*.*")]
        if is_older(_PROGRAM, [ROOT / "Package.swift", *sources]):
            subprocess.run([WITH_SWIFT, "build", "--product", "demo-bench"], check=True, cwd=ROOT)
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
