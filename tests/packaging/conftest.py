"""The distributions, built once: the sdist from this checkout, the wheel from the sdist."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _hatchling(folder, kind, place):
    """Build a distribution of the project in `folder`; no other process installs anything."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", place],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=120,
    )


@pytest.fixture(scope="session")
def distributions(made_once):
    """The folder that holds `*.tar.gz` and `*.whl`, as a release has them."""

    def write(place):
        _hatchling(ROOT, "sdist", place)
        (sdist,) = place.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(place / "unpacked", filter="data")
        (unpacked,) = (place / "unpacked").iterdir()
        _hatchling(unpacked, "wheel", place)

    return made_once("distributions", write)


@pytest.fixture(scope="session")
def wheel(distributions):
    """The wheel's file."""
    (file,) = distributions.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def sdist(distributions):
    """The source distribution's file."""
    (file,) = distributions.glob("*.tar.gz")
    return file
