"""On what a measurement was made: machine, system, versions. Nothing is measured here."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mvmoe_deploy import part_lookup

_PACKAGES = ("mvmoe-deploy", "numpy", "torch")
"""Recorded beside the packages of each runner."""

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def identity() -> dict[str, Any]:
    """CPU, cores, memory, system, versions and the load average of this moment (None without)."""
    import psutil

    return {
        "cpu": cpu_model(),
        "cores_logical": psutil.cpu_count(),
        "cores_physical": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version_of(name) for name in _packages()},
        "governor": governor(),
        "power": power(),
        "commit": commit(),
        "load_average": load_average(),
    }


def load_average() -> list[float] | None:
    """Processes that wanted to run over the last 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None


def governor() -> str | None:
    """What decides the processor's frequency, where the system says."""
    try:
        return _GOVERNOR.read_text().strip()
    except OSError:
        return None


def power() -> str | None:
    """`mains` or `battery`, where there is a battery."""
    import psutil

    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return None if battery is None else "mains" if battery.power_plugged else "battery"


def commit() -> str | None:
    """The commit of the repository that this code is in, `-dirty` if files differ from it."""
    # Installed beside somebody else's repository, this file is none of its own.
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return None
    return f"{head}-dirty" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*words: str) -> str | None:
    """What git says of this file's repository, in which it writes nothing; None if it fails."""
    here = str(Path(__file__).parent)
    try:
        # To be quicker the next time, git would write what it has found into the repository.
        found = subprocess.run(
            ["git", "--no-optional-locks", "-C", here, *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    return None if found.returncode else found.stdout.strip()


def cpu_model() -> str:
    """What the machine calls its processor."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        found = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if found.stdout.strip():
            return found.stdout.strip()
    return platform.processor() or platform.machine()


def _packages() -> list[str]:
    """The distributions whose versions are recorded, those of every built-in runner included."""
    found = dict.fromkeys(_PACKAGES)
    for name in part_lookup.built_in_names("runners"):
        found |= dict.fromkeys(part_lookup.find("runners", name).packages)
    return list(found)


def version_of(package: str) -> str | None:
    """The version of an installed distribution; None for one that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
