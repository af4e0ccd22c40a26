"""The constants of an ML Program: where they are in its protobuf, and the file of their contents.

A constant's elements are inline or in a weight file (coremltools' blob storage); both are read to
and written from flat NumPy arrays. What a constant means is not known here.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_export.targets.coreml.toolkit import (
    MIL_pb2,
    _BlobStorageReader,
    _BlobStorageWriter,
    create_file_value_tensor,
    create_scalar_value,
    create_tensor_value,
)

Array = np.ndarray[Any, Any]

_KINDS: Mapping[int, tuple[str, type[np.generic]]] = {
    MIL_pb2.FLOAT16: ("fp16", np.float16),
    MIL_pb2.FLOAT32: ("float", np.float32),
    MIL_pb2.INT4: ("int4", np.int8),
    MIL_pb2.UINT4: ("uint4", np.uint8),
    MIL_pb2.UINT6: ("uint6", np.uint8),
    MIL_pb2.INT8: ("int8", np.int8),
    MIL_pb2.UINT8: ("uint8", np.uint8),
    MIL_pb2.INT16: ("int16", np.int16),
    MIL_pb2.UINT16: ("uint16", np.uint16),
    MIL_pb2.INT32: ("int32", np.int32),
    MIL_pb2.UINT32: ("uint32", np.uint32),
}
"""Element types that a weight file may hold: the storage's names for them, and the types of the
arrays in which it takes and gives them."""

_BITS = {MIL_pb2.INT4: 4, MIL_pb2.UINT4: 4, MIL_pb2.UINT6: 6}
"""Of the types that have no array of their own; a file has their elements packed."""

_FEWEST_IN_FILE = 10
"""Elements from which on coremltools stores a constant in the file."""

FILE = "@model_path/weights/weight.bin"
"""How a program names the weight file of its package."""


def values(block: Any) -> Iterator[Any]:
    """Every constant's `Value` in a block of ops, nested blocks included, in order."""
    return (value for _, value in held_values(block))


def held_values(block: Any) -> Iterator[tuple[Any, Any]]:
    """As `values`, each with the op that holds it."""
    for operation in block.operations:
        # The maps of a protobuf have no order of their own.
        for _, value in sorted(operation.attributes.items()):
            yield operation, value
        for _, argument in sorted(operation.inputs.items()):
            for binding in argument.arguments:
                if binding.WhichOneof("binding") == "value":
                    yield operation, binding.value
        for nested in operation.blocks:
            yield from held_values(nested)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a constant."""
    return tuple(size.constant.size for size in value.type.tensorType.dimensions)


def body(function: Any) -> Any:
    """The block of a function."""
    return function.block_specializations[function.opset]


class BlobReader:
    """The contents of the constants of one converted program."""

    def __init__(self, weights: Path) -> None:
        self._reader = _BlobStorageReader(str(weights)) if weights.exists() else None

    def read(self, value: Any) -> Array | None:
        """A constant's elements `[size]`; None if they are inline and no floating-point numbers."""
        kind = value.type.tensorType.dataType
        if value.HasField("blobFileValue"):
            name, dtype = _KINDS[kind]
            stored = getattr(self._reader, f"read_{name}_data")(value.blobFileValue.offset)
            return np.array(stored).view(dtype)
        tensor = value.immediateValue.tensor
        if kind == MIL_pb2.FLOAT16:
            return np.frombuffer(tensor.bytes.values, np.float16)
        if kind == MIL_pb2.FLOAT32:
            return np.array(tensor.floats.values, np.float32)
        return None


class BlobWriter:
    """A weight file that holds each content once, in order of first use."""

    def __init__(self, path: Path) -> None:
        self._writer = _BlobStorageWriter(str(path))
        self._offsets: dict[tuple[str, str], int] = {}

    def write(self, value: Any, content: Array) -> tuple[int, int] | None:
        """Give a constant its elements; gives offset and bytes of what it takes in the file."""
        if not value.HasField("blobFileValue"):
            _write_inline(value.immediateValue.tensor, content)
            return None
        blob = self._store(value.type.tensorType.dataType, content)
        value.blobFileValue.fileName = FILE
        value.blobFileValue.offset = blob[0]
        return blob

    def make(self, kind: int, content: Array) -> tuple[Any, tuple[int, int] | None]:
        """A new constant of a type of MIL, with its offset and bytes if it is in the file."""
        if not content.ndim:
            return create_scalar_value(content[()]), None
        if content.size < _FEWEST_IN_FILE and kind not in _BITS:
            return create_tensor_value(content), None
        blob = self._store(kind, content)
        return create_file_value_tensor(FILE, blob[0], content.shape, kind), blob

    def _store(self, kind: int, content: Array) -> tuple[int, int]:
        """Offset and bytes of elements in the file."""
        name, dtype = _KINDS[kind]
        data = np.ascontiguousarray(content, dtype).reshape(-1)
        key = name, hashlib.sha256(data.tobytes()).hexdigest()
        if key not in self._offsets:
            stored = data.view(np.uint16) if dtype is np.float16 else data
            self._offsets[key] = getattr(self._writer, f"write_{name}_data")(stored)
        return self._offsets[key], -(-data.size * _BITS.get(kind, 8 * data.itemsize) // 8)


def _write_inline(tensor: Any, content: Array) -> None:
    """Put floating-point numbers into the program itself."""
    if content.dtype == np.float16:
        tensor.bytes.values = content.tobytes()
    else:
        del tensor.floats.values[:]
        tensor.floats.values.extend(content.tolist())
