"""What Linux says of this process's memory, mapping by mapping.

`/proc/self/smaps` gives sizes; `/proc/self/pagemap` says which page of a file each mapped page is,
so that a page that an engine maps many times counts once.
"""

import contextlib
import mmap
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SMAPS = Path("/proc/self/smaps")
PAGEMAP = Path("/proc/self/pagemap")

_HEAD = re.compile(
    rb"([0-9a-f]+)-([0-9a-f]+) ...([sp]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)"
)
_SIZE = re.compile(rb"(\w+): +(\d+) kB")
_DELETED = " (deleted)"
_SHARED_MEMORY = ("/memfd:", "/dev/shm/", "/dev/zero", "/SYSV")
_PRESENT = np.uint64(1 << 63)
_OF_FILE = np.uint64(1 << 61)


@dataclass(frozen=True)
class Mapping:
    """One range of addresses."""

    start: int
    end: int
    shared: bool
    """Whether what is written to it is seen by others (MAP_SHARED)."""
    offset: int
    """Of its first byte in its file."""
    device: int
    inode: int
    """0 for memory that is of no file."""
    path: str
    sizes: dict[str, int]
    """Bytes by the names of `smaps`."""

    def written_bytes(self) -> int:
        """Bytes of pages that are no file's: heap, stacks, huge pages, written copies of a file's.

        `Anonymous` counts a page in full even if a fork shares it, unlike `Private_*`, which depend
        on what other processes map. Of these, `LazyFree` pages were given back already. Swapped
        pages are held too, and huge pages of hugetlbfs, which no other size includes.
        """
        names = ("Anonymous", "Swap", "Private_Hugetlb", "Shared_Hugetlb")
        held = sum(self.sizes.get(name, 0) for name in names)
        return held - self.sizes.get("LazyFree", 0)

    def is_shared_memory(self) -> bool:
        """Whether its file exists in memory only (memfd, /dev/shm), or was deleted and is written.

        Such pages are held as memory, by the process that keeps the mapping.
        """
        deleted = self.shared and self.path.endswith(_DELETED)
        return deleted or self.path.startswith(_SHARED_MEMORY)


def mappings(text: bytes) -> Iterator[Mapping]:
    """The mappings that the text of an `smaps` file describes."""
    head: re.Match[bytes] | None = None
    sizes: dict[str, int] = {}
    for line in text.splitlines():
        found = _HEAD.fullmatch(line)
        if found is None:
            if size := _SIZE.fullmatch(line):
                sizes[size[1].decode()] = int(size[2]) * 1024
            continue
        if head is not None:
            yield _mapping(head, sizes)
        head, sizes = found, {}
    if head is not None:
        yield _mapping(head, sizes)


def _mapping(head: re.Match[bytes], sizes: dict[str, int]) -> Mapping:
    """One mapping from its first line and its sizes."""
    start, end, offset, major, minor = (int(head[i], 16) for i in (1, 2, 4, 5, 6))
    return Mapping(
        start=start,
        end=end,
        shared=head[3] == b"s",
        offset=offset,
        device=os.makedev(major, minor),
        inode=int(head[7]),
        # A line break in a name is the only character that is escaped.
        path=os.fsdecode(head[8].replace(b"\\012", b"\n")),
        sizes=sizes,
    )


class OwnFiles:
    """The files below a directory, by whatever path a process has mapped them.

    A file is known by its device and number too: a link, another mount or a rename of the
    directory changes the path. A file that was replaced since has the path it had, marked as
    deleted. `look` must be called before files may have been replaced.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._roots: set[str] = set()
        self._known: set[tuple[int, int]] = set()
        self.look()

    def look(self) -> None:
        """Remember the files that are there now; the ones that were there before stay known."""
        root = self._root.resolve()
        self._roots |= {str(root), str(self._root.absolute())}
        for path in (root, *root.rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # Replaced meanwhile.
                its = path.stat()
                if stat.S_ISREG(its.st_mode):
                    self._known.add((its.st_dev, its.st_ino))

    def holds(self, mapping: Mapping) -> bool:
        """Whether a mapping is of one of the files."""
        if not mapping.inode:
            return False
        path = mapping.path.removesuffix(_DELETED)
        below = any(path == root or path.startswith(root + os.sep) for root in self._roots)
        return below or (mapping.device, mapping.inode) in self._known


def distinct_file_bytes(found: list[Mapping]) -> int:
    """Bytes of files that these mappings of this process hold; a page counts once.

    Pages that were written to privately are copies: they are no longer the file's.
    """
    pages: dict[tuple[int, int], list[np.ndarray]] = {}
    with PAGEMAP.open("rb", buffering=0) as file:
        for its in found:
            there = np.flatnonzero(_file_pages(file.fileno(), its)) + its.offset // mmap.PAGESIZE
            pages.setdefault((its.device, its.inode), []).append(there)
    return sum(len(np.unique(np.concatenate(its))) for its in pages.values()) * mmap.PAGESIZE


def _file_pages(pagemap: int, its: Mapping) -> np.ndarray:
    """Of each page of a mapping, whether it is in memory and the file's own."""
    first, last = its.start // mmap.PAGESIZE, its.end // mmap.PAGESIZE
    text = os.pread(pagemap, 8 * (last - first), 8 * first)
    wanted = _PRESENT | _OF_FILE
    found: np.ndarray = np.frombuffer(text, np.uint64) & wanted == wanted
    return found
