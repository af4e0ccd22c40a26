"""Tests that need a quiet heap: `test_held_memory.py` runs this file in a process of its own.

In a process with all engines imported looking at the memory makes the heap grow by a megabyte now
and then: the list of its mappings is as long.
"""

import mmap
import os

import pytest
from memory_looks import CLOSE, MB, added, mapped

from mvmoe_bench.measure.machine import held_memory, smaps


@pytest.fixture
def own(tmp_path):
    """A directory of files and how this process's memory is looked at beside them."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(os.urandom(8 * MB))
    files = smaps.OwnFiles(folder)
    _settle(files)
    return folder, files


def _settle(files):
    """Look until the heap has grown as far as looking makes it."""
    seen = held_memory.held(files).total
    for _ in range(10):
        before, seen = seen, held_memory.held(files).total
        if abs(seen - before) < mmap.PAGESIZE * 4:
            return
    raise AssertionError("the heap goes on growing with every look")


def test_pages_of_its_files_are_counted_once_however_often_they_aremapped(own):
    folder, files = own
    before = held_memory.held(files)

    maps = [mapped(folder / "weights.bin", access=mmap.ACCESS_READ) for _ in range(3)]

    anonymous, of_files = added(files, before)
    assert of_files == 8 * MB
    assert abs(anonymous) < CLOSE
    assert len(maps) == 3


def test_pages_that_were_written_to_privately_are_anonymous(own):
    folder, files = own
    before = held_memory.held(files)

    found = mapped(folder / "weights.bin", access=mmap.ACCESS_COPY)
    found[: 2 * MB] = bytes(2 * MB)

    anonymous, of_files = added(files, before)
    assert of_files == 6 * MB
    assert anonymous == pytest.approx(2 * MB, abs=CLOSE)


def test_other_files_are_not_counted_and_shared_memory_is(own, tmp_path):
    _, files = own
    other = tmp_path / "library.so"
    other.write_bytes(os.urandom(8 * MB))
    before = held_memory.held(files)

    library = mapped(other, access=mmap.ACCESS_READ)
    assert abs(sum(added(files, before))) < CLOSE

    shared = mmap.mmap(-1, 4 * MB)
    shared[:] = b"x" * 4 * MB
    memfd = os.memfd_create("weights")
    os.ftruncate(memfd, 3 * MB)
    twice = [mmap.mmap(memfd, 3 * MB) for _ in range(2)]
    for found in twice:
        found[:] = b"y" * 3 * MB
    os.close(memfd)

    anonymous, of_files = added(files, before)
    assert anonymous == pytest.approx(7 * MB, abs=CLOSE)
    assert of_files == 0
    assert library[0] in range(256)
