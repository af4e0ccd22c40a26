"""What memory this process holds: on Linux its own, elsewhere its resident set."""

import os
import sys
from pathlib import Path
from typing import Literal

from mvmoe_bench.measure.machine import smaps
from mvmoe_bench.measure.schema.records import Bytes, RecordPart

MemoryKind = Literal["own", "RSS", "footprint", "pss"]
"""`own`: anonymous memory and the distinct pages of the bundle's files that the process maps, which
no other process changes. `RSS`: the resident set, shared libraries included.
`footprint`: what macOS and iOS charge a process for. `pss`: what Android charges a process for, its
share of what other processes hold too."""

_STATUS = Path("/proc/self/status")


class Held(RecordPart, frozen=True):
    """What a process held at one moment."""

    total: Bytes
    """The sum of the parts, where they are told apart."""
    anonymous: Bytes | None
    """Heap, stacks, written copies of a file's pages, shared memory, swap; None if not told
    apart."""
    bundle_files: Bytes | None
    """Pages of the subject's own files that it maps, each counted once, whoever else maps them."""

    def adds_up(self) -> bool:
        """Whether the parts are the sum; a device may not tell them apart."""
        if self.anonymous is None or self.bundle_files is None:
            return self.anonymous is self.bundle_files
        return self.total == self.anonymous + self.bundle_files


def _readable(file: Path) -> bool:
    return os.access(file, os.R_OK)


SOURCE: MemoryKind = "own" if _readable(smaps.SMAPS) and _readable(smaps.PAGEMAP) else "RSS"
"""What `held` gives; see `MemoryKind`."""


def held(files: smaps.OwnFiles) -> Held:
    """What this process holds at this moment; `files` are the ones of what is measured.

    Pages of other files, such as shared libraries, are left out where the system tells them apart:
    other processes map them too, and how many do differs from run to run.
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
