"""One file for all weights of a bundle, each distinct tensor stored once, ready to be mapped."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

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
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        data = np.ascontiguousarray(little).reshape(-1).data.cast("B")
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._places[key] = self._append(data)
        return self._places[key]

    def _append(self, data: memoryview) -> StoredBytes:
        """Write bytes at the next aligned offset."""
        alignment = _PAGE if len(data) >= _PAGE_FROM else _LINE
        position = self._file.tell()
        padding = -position % alignment
        self._file.write(b"\0" * padding)
        self._file.write(data)
        return StoredBytes(position + padding, len(data))
