"""What memory this process holds: on Linux its own, elsewhere its resident set."""

import os
import sys
from pathlib import Path

from mvmoe_bench.measure.machine import smaps
from mvmoe_bench.measure.schema.records import Held, MemoryKind

_STATUS = Path("/proc/self/status")


def _readable(file: Path) -> bool:
    return os.access(file, os.R_OK)


SOURCE: MemoryKind = "own" if _readable(smaps.SMAPS) and _readable(smaps.PAGEMAP) else "RSS"
"""What `held` gives; see `records.MemoryKind`."""


def held(files: smaps.OwnFiles) -> Held:
    """What this process holds at this moment; `files` are the ones of what is measured.

    Pages of other files, such as shared libraries, are left out where the system tells them apart:
    they belong to whoever maps them, and how many do is not this process's affair.
    """
    if SOURCE == "RSS":
        import psutil

        return Held(total=psutil.Process().memory_info().rss, anonymous=None, bundle_files=None)
    files.look()
    found = list(smaps.mappings(smaps.SMAPS.read_bytes()))
    ours = [its for its in found if files.holds(its)]
    shared = [its for its in found if its.is_shared_memory() and not files.holds(its)]
    anonymous = sum(its.written_bytes() for its in found) + smaps.distinct_file_bytes(shared)
    of_bundle = smaps.distinct_file_bytes(ours)
    return Held(total=anonymous + of_bundle, anonymous=anonymous, bundle_files=of_bundle)


def peak_rss_bytes() -> int | None:
    """The largest resident set that this process ever had, shared libraries included.

    None where the system does not say.
    """
    if _STATUS.exists():
        # Not getrusage: there a process begins with the peak of the one that started it.
        lines = (line.partition(":") for line in _STATUS.read_text().splitlines())
        return next(int(value.split()[0]) * 1024 for key, _, value in lines if key == "VmHWM")
    if sys.platform != "darwin":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
