"""The iOS demo's measurements as a program of this machine, over ONNX Runtime; built if need be.

It is what the app does when `mvmoe bench --device ios` launches it, and what its button *Start*
does, without a screen: `ios_demo/Logic`.
"""

import subprocess
from functools import cache

from swift_runner import LACKS, ROOT, build_product

__all__ = ["LACKS", "build", "command"]

_PROGRAM = ROOT / ".build/debug/demo-bench"
_USAGE = 2


def build() -> None:
    """Build the program."""
    build_product(_PROGRAM.name, "ios_demo/Logic/Sources")


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
