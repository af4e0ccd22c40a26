"""The weight file of a package: where a blob is, and its elements.

A blob is found by the offset of its 64-byte record, which says its type, its size and where its
data are (coremltools' MILBlob storage, version 2). All of it is checked against the file.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.errors import BundleError, EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import (
    restore_elements_from_packed_bits,
    types,
)
from mvmoe_deploy.runtime.runners.coreml_reference.package import plain_file
from mvmoe_deploy.runtime.runners.coreml_reference.printable import printable_name
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MilTensorType

_SENTINEL = 0xDEADBEEF
_RECORD = struct.Struct("<IIQQ")
_PREFIX = "@model_path/"

_CODES = {
    types.fp16: 1,
    types.fp32: 2,
    types.uint8: 3,
    types.int8: 4,
    types.int16: 6,
    types.uint16: 7,
    types.int4: 8,
    types.uint1: 9,
    types.uint2: 10,
    types.uint4: 11,
    types.uint3: 12,
    types.uint6: 13,
    types.int32: 14,
    types.uint32: 15,
}
"""The storage's own numbers for element types."""


class Blobs:
    """The weight files of one package, mapped into memory and read where they are needed."""

    def __init__(self, package: Path, folder: Path) -> None:
        self._package = package
        self._folder = folder
        self._files: dict[str, np.ndarray] = {}
        self._read: dict[tuple[str, int], tuple[MilTensorType, np.ndarray]] = {}

    def read(self, name: str, offset: int, declared: MilTensorType) -> np.ndarray:
        """The elements of a blob in the declared shape.

        Raises EngineError, BundleError. Constants that name one blob share one array.
        """
        known, array = self._read.get((name, offset), (None, None))
        if known != declared or array is None:
            array = self._decode(name, offset, declared)
            self._read[name, offset] = declared, array
        return array

    def _decode(self, name: str, offset: int, declared: MilTensorType) -> np.ndarray:
        """Find the data of a blob and turn its bytes into elements."""
        file = self._file(name)
        code, size, start = self._record(file, name, offset)
        bits = _bits(declared.element)
        wanted = -(-declared.size * bits // 8)
        if code != _CODES.get(declared.element) or size != wanted or start + size > len(file):
            raise EngineError(
                f"the blob at {offset} of {printable_name(name)} (type {code}, {size} bytes at "
                f"{start}) does not hold {declared} within the file's {len(file)} bytes; export "
                "the bundle again"
            )
        return elements(file[start : start + size], declared)

    @staticmethod
    def _record(file: np.ndarray, name: str, offset: int) -> tuple[int, int, int]:
        """Type, size and start of a blob's data."""
        if offset + 64 > len(file):
            raise EngineError(
                f"a blob at {offset} is outside {printable_name(name)}, which has {len(file)} "
                "bytes; export the bundle again"
            )
        sentinel, code, size, start = _RECORD.unpack(file[offset : offset + _RECORD.size].tobytes())
        if sentinel != _SENTINEL:
            raise EngineError(
                f"there is no blob at {offset} of {printable_name(name)}; export the bundle again"
            )
        return code, size, start

    def _file(self, name: str) -> np.ndarray:
        """A weight file as bytes."""
        if name not in self._files:
            inside = (self._folder / name.removeprefix(_PREFIX)).relative_to(self._package)
            path = plain_file(self._package, inside.as_posix())
            try:
                self._files[name] = np.memmap(path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise BundleError(
                    f"{inside} of {self._package} cannot be read; export the bundle again"
                ) from error
        return self._files[name]


def elements(data: Any, declared: MilTensorType) -> np.ndarray:
    """Elements in their declared shape, from their bytes; fp16 becomes fp32."""
    kind = np.dtype(types.nptype_from_builtin(declared.element))
    if types.is_sub_byte(declared.element):
        packed = np.frombuffer(data, np.uint8)
        signed = not declared.element.is_unsigned()
        bits = _bits(declared.element)
        array = restore_elements_from_packed_bits(packed, bits, declared.size, signed)
        array = array.astype(kind)
    else:
        array = np.frombuffer(data, kind)
    if declared.element is types.fp16:
        array = array.astype(np.float32)
    shaped: np.ndarray = array.reshape(declared.shape)
    return shaped


def _bits(element: Any) -> int:
    """The bits of one element in the file."""
    return int(element.get_bitwidth())
