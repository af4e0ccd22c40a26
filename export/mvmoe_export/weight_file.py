"""One file for all weights of a target, each distinct tensor stored once, ready to be mapped.

The weights of an expert may be one range of it, which is read in one piece.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mvmoe_deploy.bundle.manifest import RANGE_ALIGNMENT, TENSOR_ALIGNMENT

_PAGE = 4096
_LINE = 64
_PAGE_FROM = 64 * 1024
"""Tensors from this size on begin at a page, smaller ones at a cache line."""


@dataclass(frozen=True)
class StoredBytes:
    """Where a tensor's bytes are in the file."""

    offset: int
    length: int


class WeightFile:
    """Appends tensors to a file; content that is there already is not written again.

    Use as a context manager. Bytes are little-endian and C-contiguous, as ONNX wants them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._places: dict[bytes, StoredBytes] = {}
        self._ranges: dict[bytes, tuple[StoredBytes, list[StoredBytes]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, array: np.ndarray) -> StoredBytes:
        """Store a tensor and say where; raises OSError when the disk refuses."""
        data = _bytes(array)
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._places[key] = self._append(data, _PAGE if len(data) >= _PAGE_FROM else _LINE)
        return self._places[key]

    def add_range(self, arrays: Sequence[np.ndarray]) -> tuple[StoredBytes, list[StoredBytes]]:
        """Store tensors one behind the other in a range of their own; gives it and their places.

        The same tensors in the same order are not stored again: files of several graphs share them.
        """
        contents = [_bytes(array) for array in arrays]
        key = b"".join(hashlib.sha256(data).digest() for data in contents)
        if key not in self._ranges:
            first, *others = contents
            places = [self._append(first, RANGE_ALIGNMENT)]
            places += [self._append(data, TENSOR_ALIGNMENT) for data in others]
            start, last = places[0].offset, places[-1]
            whole = StoredBytes(start, last.offset + last.length - start)
            self._ranges[key] = whole, places
        return self._ranges[key]

    def _append(self, data: memoryview, alignment: int) -> StoredBytes:
        """Write bytes at the next aligned offset."""
        position = self._file.tell()
        padding = -position % alignment
        self._file.write(b"\0" * padding)
        self._file.write(data)
        return StoredBytes(position + padding, len(data))


def _bytes(array: np.ndarray) -> memoryview:
    """A tensor as the file has it."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).data.cast("B")
