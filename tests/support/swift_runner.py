"""The runner of the Swift library, for tests that compare the languages; built if need be.

It is the one that `swift test` builds too, not optimised. `MVMOE_SWIFT_RUNNER` names it for
`mvmoe bench --device swift` as well.
"""

import os
import subprocess
from pathlib import Path

from filelock import FileLock
from runner_program import RunnerProgram, is_older

from mvmoe_bench.measure.devices.swift import SwiftDevice

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".build/debug/mvmoe-runner"
WITH_SWIFT = ROOT / "swift/tools/with-swift"
SOURCES = ("swift/Sources", "swift/extras/MVMoEONNX/Sources")

LACKS = subprocess.run(
    [WITH_SWIFT, "lacks"], capture_output=True, text=True, check=False
).stdout.strip()
"""What this machine needs to build and run it; empty where all is there."""

os.environ.setdefault("MVMOE_SWIFT_RUNNER", str(PROGRAM))


def build_product(name: str, *more: str) -> Path:
    """Build a program of the package, unless it is newer than all sources; `more` has folders."""
    program = ROOT / ".build/debug" / name
    program.parents[1].mkdir(exist_ok=True)
    with FileLock(program.parents[1] / "runner.lock"):
        sources = [path for folder in (*SOURCES, *more) for path in (ROOT / folder).rglob("*.*")]
        if is_older(program, [ROOT / "Package.swift", *sources]):
            subprocess.run([WITH_SWIFT, "build", "--product", name], check=True, cwd=ROOT)
            program.touch()
    return program


def build() -> None:
    """Build the runner."""
    build_product(PROGRAM.name)


_runner = RunnerProgram(lambda *words: SwiftDevice().program(*words))
answers, run, ended, popen = _runner.answers, _runner.run, _runner.ended, _runner.popen
