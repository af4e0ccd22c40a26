"""Compiles Swift that is written for Apple's frameworks against the stubs of `swift/Stubs`."""

import subprocess
from pathlib import Path

from swift_runner import ROOT, WITH_SWIFT

STUBS = ROOT / "swift/Stubs"


def check(modules: Path, *names: str | Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Check modules by name and an app's code by folder, of the checkout at `root`.

    What is compiled of them is kept in the folder `modules`.
    """
    folders = [root, modules, *(name for name in names if isinstance(name, Path))]
    shown = [word for folder in folders for word in ("-b", str(folder))]
    return subprocess.run(
        [WITH_SWIFT, *shown, "exec", root / "swift/Stubs/check.sh", "-o", modules, *names],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
