"""What memory this process holds. On Linux its proportional share, elsewhere its resident set."""

import sys
from pathlib import Path

_ROLLUP = Path("/proc/self/smaps_rollup")
_STATUS = Path("/proc/self/status")

SOURCE = "PSS" if _ROLLUP.exists() else "RSS"
"""What `resident_bytes` gives. PSS counts a page that n processes share as one n-th."""


def resident_bytes() -> int:
    """Bytes of memory that this process holds at this moment."""
    if SOURCE == "PSS":
        return _field(_ROLLUP, "Pss")
    import psutil

    return psutil.Process().memory_info().rss


def peak_rss_bytes() -> int | None:
    """The largest resident set that this process ever had; None where the system does not say."""
    if _STATUS.exists():
        # Not getrusage: there a process begins with the peak of the one that started it.
        return _field(_STATUS, "VmHWM")
    if sys.platform != "darwin":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _field(file: Path, name: str) -> int:
    """Bytes that a line `name:  123 kB` of a file in /proc says."""
    lines = (line.partition(":") for line in file.read_text().splitlines())
    return next(int(value.split()[0]) * 1024 for key, _, value in lines if key == name)
