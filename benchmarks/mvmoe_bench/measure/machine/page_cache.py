"""The system's page cache of a file: drop a range of it, see what stayed, read it as one piece.

Linux only. Dropping needs no rights beyond reading the file. Pages that a process has mapped stay,
so this process's own mappings of the range are emptied first; the next access brings them back.
"""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

_MAPPINGS = Path("/proc/self/maps")


class FileRange(NamedTuple):
    """Some bytes of a file."""

    path: Path
    offset: int
    bytes: int


def can_drop() -> bool:
    """Whether this system lets a program drop pages, and see which stayed."""
    return sys.platform == "linux" and hasattr(os, "posix_fadvise") and _MAPPINGS.exists()


def drop(part: FileRange, *, mapped: bool) -> None:
    """Let the system forget a range; with `mapped`, where this process has mapped it too.

    Without it, pages that are mapped stay. Raises OSError.
    """
    with part.path.open("rb") as file:
        if mapped:
            for start, length in _mapped(part, os.fstat(file.fileno())):
                _system_call("madvise", start, length, mmap.MADV_DONTNEED)
        os.posix_fadvise(file.fileno(), part.offset, part.bytes, os.POSIX_FADV_DONTNEED)


def cached_share(part: FileRange) -> float:
    """The share of a range's pages that are in memory, 0 to 1; raises OSError."""
    if not part.bytes:
        return 0.0
    first = part.offset - part.offset % mmap.PAGESIZE
    length = part.offset + part.bytes - first
    with (
        part.path.open("rb") as file,
        # A copy on write has an address that ctypes may take; nothing is written.
        mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY, offset=first) as mapping,
    ):
        present = (ctypes.c_ubyte * -(-length // mmap.PAGESIZE))()
        window = ctypes.c_ubyte.from_buffer(mapping)
        try:
            _system_call("mincore", ctypes.addressof(window), length, present)
        finally:
            del window  # The mapping cannot be closed while it is looked at.
    return sum(page & 1 for page in present) / len(present)


def read_time(part: FileRange) -> int:
    """Nanoseconds of one `pread` of a range into memory that is there already; raises OSError."""
    buffer = bytearray(part.bytes)
    with part.path.open("rb", buffering=0) as file:
        start = perf_counter_ns()
        os.preadv(file.fileno(), [buffer], part.offset)
        return perf_counter_ns() - start


def _mapped(part: FileRange, status: os.stat_result) -> Iterator[tuple[int, int]]:
    """Address and length of each piece of a range that this process has mapped for reading."""
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    first = part.offset - part.offset % mmap.PAGESIZE
    last = part.offset + part.bytes
    for line in _MAPPINGS.read_text().splitlines():
        addresses, rights, offset, where, inode, *_ = line.split()
        # What may be written to may hold changes of its own, which would be lost.
        if (where, int(inode)) != (device, status.st_ino) or "w" in rights:
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        begin = int(offset, 16)
        low, high = max(first, begin), min(last, begin + end - start)
        if low < high:
            yield start + low - begin, high - low


def _system_call(name: str, address: int, length: int, argument: object) -> None:
    """One call of the C library on a piece of this process's memory; raises OSError."""
    call = getattr(ctypes.CDLL(None, use_errno=True), name)
    if call(ctypes.c_void_p(address), ctypes.c_size_t(length), argument):
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
