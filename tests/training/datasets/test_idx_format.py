"""Reading IDX: arrays come back as they were, and no header is believed."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from idx_files import idx, write

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training.datasets.idx_format import read_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def _header(*sizes: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dimensions", [1, 3])
def test_an_array_comes_back(tmp_path: Path, packed: bool, dimensions: int) -> None:
    array = ARRAY.ravel() if dimensions == 1 else ARRAY
    path = write(tmp_path, "file", idx(array), packed)
    assert np.array_equal(read_idx(path, dimensions), array)


CASES = {
    "empty": (b"", "beginning"),
    "no IDX": (b"PK\x03\x04" + bytes(40), "beginning"),
    "floats": (_header(2, 3, 4, kind=0x0D) + bytes(96), "beginning"),
    "labels": (_header(24) + bytes(24), "beginning"),
    "half a header": (_header(2, 3, 4)[:9], "content"),
    "cut off": (idx(ARRAY)[:-1], "length"),
    "too long": (idx(ARRAY) + b"\0", "length"),
    "nothing": (_header(0, 3, 4), "sizes"),
    "endless": (_header(2**32 - 1, 2**32 - 1, 2**32 - 1), "sizes"),
    "a long side": (_header(1, 10_000, 1) + bytes(10_000), "sizes"),
    "more than fits": (_header(1000, 1000, 1000) + bytes(100), "packed"),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_what_is_no_such_file_is_refused(tmp_path: Path, name: str, packed: bool) -> None:
    content, refused = CASES[name]
    path = write(tmp_path, "file", content, packed)
    with raises(InputError, "data.invalid", path=str(path), name=refused) as caught:
        read_idx(path, 3)
    assert "\n" not in str(caught.value)


PACKED = gzip.compress(idx(ARRAY), mtime=0)


@pytest.mark.parametrize("content", [b"", b"no gzip", PACKED[:-9], PACKED[:20]])
def test_a_damaged_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.gz").write_bytes(content)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        read_idx(tmp_path / "file.gz", 3)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
            read_idx(path, 3)


def test_a_small_file_that_announces_a_large_one_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path, "bomb", _header(1000, 1000, 1000) + bytes(10_000_000))
    tracemalloc.start()
    try:
        with raises(InputError, "data.invalid", path=str(path), name="packed"):
            read_idx(path, 3)
        # The packed file has ten kilobytes, and what it unpacks to is never looked at.
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@given(content=st.binary(max_size=60), begin=st.booleans())
def test_bytes_of_any_kind_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begin: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(bytes([0, 0, 8, 1]) + content if begin else content)
    try:
        array = read_idx(path, 1)
    except InputError as error:
        assert error.code == "data.invalid"
    else:
        assert path.read_bytes() == idx(array)
