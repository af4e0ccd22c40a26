"""IDX: the format of MNIST's files, arrays of bytes behind a header of sizes, often packed by gzip.

Y. LeCun, C. Cortes, C. Burges, "The MNIST database". Everything in a file is untrusted: its sizes
are checked against limits and against the file before anything is made of them.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from mvmoe_deploy.errors import InputError

_BYTES = 0x08
"""The type of elements in the header: unsigned bytes. There are others, and no images of them."""

_MOST_BYTES = 2**30
"""Of the elements of one file: a hundred times MNIST's 60,000 images of 28 x 28."""

_LARGEST_SIDE = 8192
"""Of an image, as of a model's input."""

_MOST_PACKED = 1100
"""How many bytes gzip can pack into one, a little more than its limit of 1,032."""


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The array `[N, ...]` (uint8) of `dimensions` dimensions in a file, packed if it ends in .gz.

    Raises InputError for a file that cannot be read or is not such a one.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as unpacked:
                # A GzipFile reads as a file of bytes does; its class is another.
                return _array(path, cast("BinaryIO", unpacked), dimensions)
        with path.open("rb") as file:
            return _array(path, file, dimensions)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "file") from error
    except (EOFError, zlib.error) as error:
        raise _unreadable(path, "it is damaged or cut off", "content") from error


def _array(path: Path, file: BinaryIO, dimensions: int) -> np.ndarray:
    """The array behind the header of an open file."""
    head = file.read(4)
    if head != bytes([0, 0, _BYTES, dimensions]):
        reason = f"it does not begin as {dimensions}-dimensional IDX of bytes"
        raise _unreadable(path, reason, "beginning")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _unreadable(path, "it is damaged or cut off", "content")
    shape = struct.unpack(f">{dimensions}I", sizes)
    count = _checked_count(path, shape)
    # One byte more shows a file that is longer than its header says.
    content = file.read(count + 1)
    if len(content) != count:
        more = "more" if len(content) > count else f"only {len(content):,}"
        reason = f"its header announces {count:,} bytes, but it has {more}"
        raise _unreadable(path, reason, "length")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _checked_count(path: Path, shape: tuple[int, ...]) -> int:
    """How many elements a header announces, if the file can have them."""
    count = math.prod(shape)
    words = " x ".join(f"{size:,}" for size in shape)
    if not 0 < count <= _MOST_BYTES or max(shape[1:], default=1) > _LARGEST_SIDE:
        raise _unreadable(
            path,
            f"its header announces {words} bytes; at least one, at most {_MOST_BYTES:,} and sides "
            f"of at most {_LARGEST_SIDE:,} are read",
            "sizes",
        )
    packed = path.stat().st_size
    if count > packed * (_MOST_PACKED if path.suffix == ".gz" else 1):
        raise _unreadable(
            path,
            f"its header announces {words} bytes, which {packed:,} bytes cannot hold",
            "packed",
        )
    return count


def _unreadable(path: Path, reason: str, name: str) -> InputError:
    """The error of a file; what to do is the same whatever is wrong with it."""
    return InputError(
        f"data {path} cannot be read: {reason}; fetch the file again",
        code="data.invalid",
        path=str(path),
        name=name,
    )
