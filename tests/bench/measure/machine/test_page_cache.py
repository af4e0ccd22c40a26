"""Ranges of files are dropped from the system's page cache, and seen to be gone."""

import mmap
import os

import pytest

from mvmoe_bench.measure.machine.page_cache import (
    FileRange,
    cached_share,
    can_drop,
    drop,
    read_time,
)

PAGES = 64
SIZE = PAGES * mmap.PAGESIZE

pytestmark = pytest.mark.skipif(not can_drop(), reason="this system drops no pages on request")


@pytest.fixture
def written(tmp_path):
    """A file that is on the disk, and in the cache."""
    path = tmp_path / "file.bin"
    with path.open("wb") as file:
        file.write(bytes(range(256)) * (SIZE // 256))
        file.flush()
        os.fsync(file.fileno())
    whole = FileRange(path, 0, SIZE)
    drop(whole, mapped=False)
    if cached_share(whole):
        pytest.skip("this file system keeps its files in memory")
    path.read_bytes()
    return path


def test_a_range_goes_and_the_rest_stays(written):
    half = FileRange(written, 0, SIZE // 2)
    drop(half, mapped=False)
    assert cached_share(half) == 0
    assert cached_share(FileRange(written, SIZE // 2, SIZE // 2)) == 1


def test_pages_that_are_mapped_go_only_when_asked_for(written):
    part = FileRange(written, mmap.PAGESIZE, 8 * mmap.PAGESIZE)
    with written.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen:
        before = seen[:]
        drop(part, mapped=False)
        assert cached_share(part) == 1
        drop(part, mapped=True)
        assert cached_share(part) == 0
        assert seen[:] == before


def test_what_was_written_to_a_mapping_is_kept(written):
    with written.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as own:
        own[0] = 255
        drop(FileRange(written, 0, SIZE), mapped=True)
        assert own[0] == 255


def test_a_range_is_read_from_the_disk_again(written):
    part = FileRange(written, 100, 1000)
    drop(FileRange(written, 0, SIZE), mapped=False)
    assert read_time(part) > 0
    assert cached_share(part) == 1


def test_nothing_of_a_file_is_no_share(written):
    assert cached_share(FileRange(written, 0, 0)) == 0
