"""The program of kotlin/mvmoe-runner, for tests that compare the languages; built if need be."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

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
        built = [jar.stat().st_mtime for jar in JARS.glob("mvmoe-runner-*.jar")]
        sources = [
            path.stat().st_mtime
            for module in MODULES
            for path in (KOTLIN / module / "pom.xml", *(KOTLIN / module / "src/main").rglob("*.kt"))
        ]
        if not built or max(built) < max(sources):
            maven = ["mvn", "--batch-mode", "--quiet", "--file", str(KOTLIN / "pom.xml")]
            wanted = ["--projects", "mvmoe-runner", "--also-make", "package"]
            subprocess.run([*maven, *wanted, "-DskipTests", "-Dspotless.check.skip"], check=True)


def answers(bundle: Path, images: np.ndarray, *options: str, work: Path) -> list[dict[str, Any]]:
    """What it answers to preprocessed images `[n, C, H, W]`, a line each; `work` is a folder."""
    file = work / "images.f32"
    images.astype("<f4").tofile(file)
    first, *lines = run("answers", str(bundle), str(file), *options)
    assert first["engine"].startswith("ONNX Runtime ")
    return lines


def run(*words: str) -> list[dict[str, Any]]:
    """The lines of a command that has to end well."""
    command = ["java", "-cp", f"{JARS}/*", "io.github.mvmoe.runner.MainKt", *words]
    # Java cannot set it itself, and the library reports to Microsoft as soon as it is loaded.
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]
