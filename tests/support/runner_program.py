"""The runner of a language's library as a program, for tests that compare the languages."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_bench.measure.following import OrderProgram


@dataclass(frozen=True)
class RunnerProgram:
    """A runner, whose words, lines of JSON and exit codes are the same in every language."""

    of: Callable[..., OrderProgram]
    """The program that does what some words say."""

    def popen(self, *words: str, **options: Any) -> subprocess.Popen:
        """A process that does what some words say."""
        program = self.of(*words)
        return subprocess.Popen(program.command, env=dict(program.environment), **options)

    def ended(self, *words: str) -> subprocess.CompletedProcess:
        """How a command ended, and what it said."""
        program = self.of(*words)
        return subprocess.run(
            program.command, env=dict(program.environment), capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def run(self, *words: str) -> list[dict[str, Any]]:
        """The lines of a command that has to end well."""
        ended = self.ended(*words)
        assert ended.returncode == 0, ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def answers(
        self, bundle: Path, images: np.ndarray, *options: str, work: Path
    ) -> list[dict[str, Any]]:
        """What it answers to preprocessed images `[n, C, H, W]`, a line each.

        `work` is a folder for the images.
        """
        file = work / "images.f32"
        images.astype("<f4").tofile(file)
        first, *lines = self.run("answers", str(bundle), str(file), *options)
        assert first["engine"].startswith("ONNX Runtime ")
        return lines


def is_older(built: Path, sources: Sequence[Path]) -> bool:
    """Whether something that is built is missing, or older than one of its sources."""
    return not built.exists() or built.stat().st_mtime < max(
        path.stat().st_mtime for path in sources
    )
