"""Importing the package loads PyTorch, and nothing else of the extra."""

import subprocess
import sys


def test_heavy_libraries_wait_until_they_are_used() -> None:
    code = "import sys, mvmoe_deploy.training; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"sklearn", "matplotlib", "lightning_fabric", "mvmoe_export", "mvmoe_bench"}
    assert not heavy & set(loaded)
    assert "torch" in loaded
