"""Quantized values: weights that are unpacked when a function is loaded, and activations.

coremltools unpacks them itself, but under another name than that of its other evaluations, since
its converter must not do it.
"""

from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError


def unpack(operation: Any) -> Any:
    """What coremltools makes of a packed constant."""
    return operation.materialized_val_inference()


def look_up(operation: Any) -> np.ndarray:
    """Each index replaced by its entry in the palette of its block.

    `indices [*N]` with `lut [*G, palette, vector]`, where G divides N, and a vector of several
    lies along `vector_axis`. Older programs have one palette and packed indices.
    (coremltools repeats the palette for each element, which takes gigabytes for a large weight.)
    """
    if "shape" in operation.input_spec.input_types:
        unpacked: np.ndarray = unpack(operation)
        return unpacked
    indices, palettes = operation.indices.val, operation.lut.val
    blocks = [
        np.arange(size) // (size // groups)
        for size, groups in zip(indices.shape, palettes.shape, strict=False)
    ]
    found: np.ndarray = palettes[(*np.ix_(*blocks), indices.astype(np.intp))]
    if found.shape[-1] == 1:
        single: np.ndarray = found[..., 0]
        return single
    axis = operation.vector_axis.val % indices.ndim
    return np.moveaxis(found, -1, axis + 1).reshape(operation.outputs[0].shape)


def affine(operation: Any) -> np.ndarray:
    """`(data - zero_point) * scale`, each for the slices of one axis."""
    data = operation.quantized_data.val
    zero = _along(operation.zero_point.val, data, operation.axis.val)
    scale = _along(operation.scale.val, data, operation.axis.val)
    result: np.ndarray = (data.astype(np.float32) - zero.astype(np.float32)) * scale
    return result


def dequantize(operation: Any) -> np.ndarray:
    """`(input - zero_point) * scale`."""
    data = operation.input.val.astype(np.float32)
    if operation.zero_point is not None:
        data = data - _along(operation.zero_point.val, data, _axis(operation)).astype(np.float32)
    result: np.ndarray = data * _along(operation.scale.val, data, _axis(operation))
    return result


def quantize(operation: Any) -> np.ndarray:
    """`input / scale` rounded half to even, plus `zero_point`, kept within the type."""
    x, kind = operation.input.val, operation.output_dtype.val
    if kind not in ("int8", "uint8"):
        raise EngineError(f"output_dtype {kind!r} was given; expected int8 or uint8")
    levels = np.round(x / _along(operation.scale.val, x, _axis(operation)))
    if operation.zero_point is not None:
        levels = levels + _along(operation.zero_point.val, x, _axis(operation)).astype(np.float32)
    limits = np.iinfo(kind)
    result: np.ndarray = np.clip(levels, limits.min, limits.max).astype(kind)
    return result


def _axis(operation: Any) -> int | None:
    """The axis of an op that has one only if its scale has."""
    return None if operation.axis is None else int(operation.axis.val)


def _along(values: Any, data: np.ndarray, axis: int | None) -> np.ndarray:
    """A scalar as it is, `[n]` laid along an axis of `data`."""
    array: np.ndarray = np.asarray(values)
    if not array.ndim or axis is None:
        return array
    return array.reshape([-1 if at == axis % data.ndim else 1 for at in range(data.ndim)])


KERNELS = {
    "constexpr_affine_dequantize": affine,
    "constexpr_blockwise_shift_scale": unpack,
    "constexpr_cast": unpack,
    "constexpr_lut_to_dense": look_up,
    "constexpr_lut_to_sparse": unpack,
    "constexpr_sparse_blockwise_shift_scale": unpack,
    "constexpr_sparse_to_dense": unpack,
    "dequantize": dequantize,
    "quantize": quantize,
}
