"""The program of kotlin/mvmoe-runner, for tests that compare the languages; built if need be."""

import shutil
import subprocess
from pathlib import Path

from filelock import FileLock
from runner_program import RunnerProgram, is_older

from mvmoe_bench.measure.devices.jvm import JvmDevice

KOTLIN = Path(__file__).parents[2] / "kotlin"
MODULES = ("mvmoe-core", "mvmoe-onnx", "mvmoe-bench", "mvmoe-runner")
JARS = KOTLIN / "mvmoe-runner/target/runner"

LACKS = " and ".join(
    what
    for program, what in (("javac", "a JDK of version 17 or later"), ("mvn", "Maven"))
    if shutil.which(program) is None
)
"""What this machine needs to build and run it; empty where all is there."""


def build_lock() -> FileLock:
    """Of all builds by Maven: they share the library's modules."""
    JARS.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(JARS.parent / "runner.lock")


def build() -> None:
    """Build the program, unless it is newer than all of its sources."""
    with build_lock():
        sources = [
            path
            for module in MODULES
            for path in (KOTLIN / module / "pom.xml", *(KOTLIN / module / "src/main").rglob("*.kt"))
        ]
        jar = next(JARS.glob("mvmoe-runner-*.jar"), JARS / "mvmoe-runner.jar")
        if is_older(jar, sources):
            maven = ["mvn", "--batch-mode", "--quiet", "--file", str(KOTLIN / "pom.xml")]
            wanted = ["--projects", "mvmoe-runner", "--also-make", "package"]
            subprocess.run([*maven, *wanted, "-DskipTests", "-Dspotless.check.skip"], check=True)


_runner = RunnerProgram(JvmDevice().program)
answers, run, ended, popen = _runner.answers, _runner.run, _runner.ended, _runner.popen
