"""The types of a program's values: shape and element type, checked as they are read.

Programs are untrusted: a shape is bounded here, before anything of that shape is made.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import MIL_pb2, types

MOST_ELEMENTS = 1 << 26
_MOST_RANK = 8

_TYPES = {
    MIL_pb2.BOOL: types.bool,
    MIL_pb2.STRING: types.str,
    MIL_pb2.FLOAT16: types.fp16,
    MIL_pb2.FLOAT32: types.fp32,
    MIL_pb2.INT4: types.int4,
    MIL_pb2.INT8: types.int8,
    MIL_pb2.INT16: types.int16,
    MIL_pb2.INT32: types.int32,
    MIL_pb2.UINT1: types.uint1,
    MIL_pb2.UINT2: types.uint2,
    MIL_pb2.UINT3: types.uint3,
    MIL_pb2.UINT4: types.uint4,
    MIL_pb2.UINT6: types.uint6,
    MIL_pb2.UINT8: types.uint8,
    MIL_pb2.UINT16: types.uint16,
    MIL_pb2.UINT32: types.uint32,
}
"""MIL's element types that are evaluated, with coremltools' class for each."""


@dataclass(frozen=True, repr=False)
class MilTensorType:
    """Shape (empty for a scalar) and coremltools' class of the elements."""

    shape: tuple[int, ...]
    element: Any

    @property
    def dtype(self) -> str:
        """The element type's name in NumPy, or in MIL where NumPy has none (int4)."""
        return str(np.dtype(types.nptype_from_builtin(self.element)).name)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def builtin(self) -> Any:
        """What coremltools' type inference calls it."""
        return types.tensor(self.element, self.shape) if self.shape else self.element

    def __repr__(self) -> str:
        return f"{types.builtin_to_string(self.element)} {list(self.shape)}"


def tensor_type(proto: Any) -> MilTensorType:
    """The type of a `ValueType`; raises EngineError if it is none that is evaluated."""
    kind = proto.WhichOneof("type")
    if kind != "tensorType":
        raise EngineError(f"a value of type {kind} is not supported; only tensors are")
    declared = proto.tensorType
    if declared.dataType not in _TYPES:
        raise EngineError(f"a tensor of MIL's data type {declared.dataType} is not supported")
    if declared.rank != len(declared.dimensions) or declared.rank > _MOST_RANK:
        raise EngineError(
            f"a tensor of rank {declared.rank} has {len(declared.dimensions)} dimensions; expected "
            f"as many as its rank, and at most {_MOST_RANK}"
        )
    if any(size.WhichOneof("dimension") != "constant" for size in declared.dimensions):
        raise EngineError("a tensor has a flexible shape; only static shapes are supported")
    return MilTensorType(
        _checked([size.constant.size for size in declared.dimensions]), _TYPES[declared.dataType]
    )


def _checked(shape: list[int]) -> tuple[int, ...]:
    """A shape that memory can hold."""
    if not all(shape) or math.prod(shape) > MOST_ELEMENTS:
        raise EngineError(
            f"a tensor has the shape {shape}; expected no empty dimension and at most "
            f"{MOST_ELEMENTS} elements",
            found=shape,
        )
    return tuple(shape)


def cast_to_declared(value: Any, declared: MilTensorType) -> Any:
    """An op's result as the value of its declared type; raises EngineError if it is of another.

    fp16 is rounded here, once for each op, and held in fp32: ops compute in fp32, as they would
    in an accumulator, and every value that leaves an op is one that fp16 has. The arrays cannot
    be written to, because several ops may look at one memory.
    """
    if declared.element is types.str:
        return _text(value)
    array = np.asarray(value)
    if array.shape != declared.shape or not _same_kind(array.dtype, declared.element):
        raise EngineError(
            f"it yields {array.dtype} {list(array.shape)}, but the program declares {declared}"
        )
    array = _rounded(array, declared.element)
    if not declared.shape:  # NumPy's reductions take no truth value but Python's.
        return bool(array) if declared.element is types.bool else array[()]
    array = array.view()
    array.flags.writeable = False
    return array


def _text(value: Any) -> str:
    """A string, the only value that is no array."""
    if not isinstance(value, str):
        raise EngineError(f"it yields {type(value).__name__}, but the program declares a string")
    return value


def _same_kind(dtype: np.dtype, element: type) -> bool:
    """Whether a result is of the kind declared: a float, an integer or a truth value."""
    if types.is_float(element):
        return dtype.kind == "f"
    return dtype.kind == "b" if element is types.bool else dtype.kind in "iu"


def _rounded(array: np.ndarray, element: type) -> np.ndarray:
    """The array in the type that holds `element`."""
    if element is types.fp16:
        with np.errstate(over="ignore", invalid="ignore"):
            return array.astype(np.float16).astype(np.float32)
    return array.astype(types.nptype_from_builtin(element), copy=False)
