"""Looks at the memory of this process, for tests of what a benchmark says of it."""

import mmap

from mvmoe_bench.measure.machine import held_memory

MB = 2**20

CLOSE = MB // 2
"""Two looks at a process that did nothing in between differ by some pages of the heap."""


def mapped(path, size=8 * MB, **options):
    """A file of which every page was read."""
    with path.open("r+b") as file:
        found = mmap.mmap(file.fileno(), size, **options)
    assert sum(found[:: mmap.PAGESIZE]) > 0
    return found


def added(files, before):
    """What came since: anonymous memory and pages of files, in bytes."""
    now = held_memory.held(files)
    assert now.total == now.anonymous + now.bundle_files
    return now.anonymous - before.anonymous, now.bundle_files - before.bundle_files
