"""Android's own debugging daemon, as Debian packages it: fetched once, unpacked, never installed.

`python tests/support/adbd.py` fetches the package and what it needs by apt, in a folder of its own,
from the mirror that this machine's apt names already; the system's packages stay as they are.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "target" / "adbd"
"""Where it is kept; git ignores folders of that name."""

SUITE = "trixie"
"""The oldest release of Debian that has it."""

_ROOT = FOLDER / "root"
_LIBRARIES = _ROOT / "usr/lib/x86_64-linux-gnu"
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def command() -> list[str] | None:
    """What starts it, with the libraries that it was built with; None if it was not fetched."""
    daemon = _ROOT / "usr/lib/android-sdk/platform-tools/adbd"
    loader = _ROOT / "usr/lib64/ld-linux-x86-64.so.2"
    if not (daemon.is_file() and loader.is_file()):
        return None
    folders = f"{_LIBRARIES}:{_LIBRARIES / 'android'}"
    return [str(loader), "--library-path", folders, str(daemon)]


def fetch() -> None:
    """Fetch and unpack it, unless it is there; raises RuntimeError or CalledProcessError."""
    if command() is not None:
        return
    if shutil.which("apt-get") is None:
        raise RuntimeError("this machine has no apt-get, which fetches adbd")
    work = FOLDER / "apt"
    shutil.rmtree(FOLDER, ignore_errors=True)
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={_KEYS}] {_mirror()} {SUITE} main\n")
    _apt(work, "update")
    _apt(work, "install", "--download-only", "--yes", "--no-install-recommends", "adbd")
    partial = FOLDER / "partial"
    for package in sorted((work / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, partial], check=True)
    shutil.rmtree(work)
    partial.rename(_ROOT)


def _apt(work: Path, *words: str) -> None:
    """Run apt-get with lists, caches and a (bare) system of its own."""
    own = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    options = [word for name, value in own.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-qq", *options, *words], check=True, stdout=subprocess.DEVNULL)


def _mirror() -> str:
    """The mirror of Debian's packages that this machine's apt uses; raises RuntimeError."""
    files = [file for place in _SOURCES for file in _files(place)]
    for file in files:
        for line in file.read_text(errors="replace").splitlines():
            words = line.split()
            if words[:1] in (["URIs:"], ["deb"]):
                found = next((word for word in words if word.rstrip("/").endswith("/debian")), None)
                if found is not None:
                    return found
    raise RuntimeError("this machine's apt names no mirror of Debian's packages")


def _files(place: Path) -> list[Path]:
    """The lists of sources at a path."""
    if place.is_dir():
        return sorted([*place.glob("*.list"), *place.glob("*.sources")])
    return [place] if place.is_file() else []


if __name__ == "__main__":
    try:
        fetch()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"adbd was not fetched: {error}")
