"""executorch-android's parts, out of the npm package react-native-executorch.

Its AAR is on no registry that this build may use. What is unpacked here is never shipped.
"""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PACKAGE = "react-native-executorch@0.7.3"
CLASSES = "package/android/libs/classes.jar"
LIBRARIES = "package/third-party/android/libs/executorch"
"""A folder for each ABI."""


def unpack(folder: Path, part: str) -> Path:
    """The file or folder `part` of the package, from npm's cache or its registry."""
    if shutil.which("npm") is None:
        pytest.skip("this machine lacks npm (Debian: npm)")
    command = ["npm", "pack", "--silent", "--prefer-offline", "--fetch-retries=1", PACKAGE]
    packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if packed.returncode:
        pytest.skip(f"npm has no {PACKAGE}: neither in its cache nor from its registry")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        members = [member for member in package if f"{member.name}/".startswith(f"{part}/")]
        package.extractall(folder, members, filter="data")
    archive.unlink()
    return folder / part
