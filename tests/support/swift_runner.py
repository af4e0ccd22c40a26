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


def build() -> None:
    """Build the program, unless it is newer than all of its sources."""
    PROGRAM.parents[1].mkdir(exist_ok=True)
    with FileLock(PROGRAM.parents[1] / "runner.lock"):
        sources = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.*")]
        if is_older(PROGRAM, [ROOT / "Package.swift", *sources]):
            subprocess.run([WITH_SWIFT, "build", "--product", "mvmoe-runner"], check=True, cwd=ROOT)
            PROGRAM.touch()


_runner = RunnerProgram(lambda *words: SwiftDevice().program(*words))
answers, run, ended, popen = _runner.answers, _runner.run, _runner.ended, _runner.popen
