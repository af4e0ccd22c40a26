"""How Core ML has the weight of a layer in few bits: in blocks, each with a scale or a table.

    numbers      a block is                an operator from iOS18 on          on older systems
    int8         an output                 constexpr_blockwise_shift_scale    constexpr_affine_...
    int4         32 weights of an output   constexpr_blockwise_shift_scale    none
    palette-6    the whole weight          constexpr_lut_to_dense             the same
    palette-4    16 outputs                constexpr_lut_to_dense             none

The operators give a constant, and are computed when a program is loaded or run, as the system
likes. Of one name, they take other arguments on older systems.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mvmoe_export.compression import NumberTypes
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.layers.four_bits import GROUP, int4_by_group
from mvmoe_export.layers.palettes import palettes
from mvmoe_export.targets.coreml.constants import Array
from mvmoe_export.targets.coreml.options import (
    INT4,
    INT8,
    PALETTE_4,
    PALETTE_6,
    STATIC_INT8,
    CoreMLOptions,
)
from mvmoe_export.targets.coreml.toolkit import MIL_pb2, cluster

_TABLE_OUTPUTS = 16
"""Outputs that share a table of 16 values: fewer gain little, and a table takes 32 bytes."""

_FLOATS: Mapping[torch.dtype, int] = {
    torch.float16: MIL_pb2.FLOAT16,
    torch.float32: MIL_pb2.FLOAT32,
}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A constant that an operator unpacks a weight from: which argument, and MIL's type."""

    argument: str
    kind: int
    content: Array


@dataclass(frozen=True)
class Form:
    """One way to store a weight in few bits."""

    operator: str
    bits: int
    beside: int
    """How many numbers each block has beside its weights: a scale, or the entries of a table."""
    blocks: Callable[[Shape, int], Shape]
    """From a weight's shape and the axis of its outputs to a block's shape."""
    compress: Callable[[Tensor, torch.dtype], tuple[Tensor, Tensor]]
    """From the weights of blocks `[blocks, weights]` to whole numbers of that shape and to the
    numbers beside them `[blocks, beside]`, which are of a type."""
    arguments: Callable[["_Stored"], tuple[Part, ...]]

    def packed(self, weight: Tensor, axis: int, dtype: torch.dtype) -> tuple[Part, ...]:
        """The constants of a weight with its outputs along `axis`, which unpacks as `dtype`."""
        shape = tuple(weight.shape)
        blocks = self.blocks(shape, axis)
        counts = _counts(shape, blocks)
        whole, beside = self.compress(_by_block(weight, blocks), dtype)
        array = _joined(whole, shape, blocks).numpy()
        return self.arguments(_Stored(array, beside.reshape(*counts, -1), axis))

    def bits_of(self, shape: Shape, axis: int, itemsize: int) -> int:
        """The bits that a weight of a shape takes, with numbers beside it of so many bytes."""
        blocks = math.prod(_counts(shape, self.blocks(shape, axis)))
        weights = math.prod(shape)
        return weights * self.bits + blocks * self.beside * itemsize * 8


@dataclass(frozen=True)
class _Stored:
    """What is stored of a weight: whole numbers, and what each block has beside them."""

    whole: Array
    """In the weight's shape."""
    beside: Tensor
    """`[number of blocks along each axis ..., beside]`."""
    axis: int

    @property
    def kind(self) -> int:
        """MIL's type of the numbers beside."""
        return _FLOATS[self.beside.dtype]


def form_of(options: CoreMLOptions) -> Form | None:
    """How weights of layers are stored; None if as everything else is."""
    forms = _FORMS if options.blockwise else _OLDER_FORMS
    return forms[options.numbers] if options.numbers.changes_layers else None


def _each_output(shape: Shape, axis: int) -> Shape:
    return tuple(1 if at == axis else size for at, size in enumerate(shape))


def _some_of_an_output(shape: Shape, axis: int) -> Shape:
    """At most 32 weights of an output, as many as its axes can be divided into.

    Along the longest axis first, and of several of one length along the last.
    """
    block, left = [1] * len(shape), GROUP
    for at in sorted(range(len(shape)), key=lambda at: (-shape[at], -at)):
        if at != axis:
            block[at] = _divisor(shape[at], left)
            left //= block[at]
    return tuple(block)


def _some_outputs(shape: Shape, axis: int) -> Shape:
    """At most 16 outputs, as many as all of them can be divided into."""
    outputs = _divisor(shape[axis], _TABLE_OUTPUTS)
    return tuple(outputs if at == axis else size for at, size in enumerate(shape))


def _everything(shape: Shape, axis: int) -> Shape:
    del axis
    return shape


def _divisor(size: int, most: int) -> int:
    """The largest divisor of a size that is at most so large."""
    return next(number for number in range(min(size, most), 0, -1) if size % number == 0)


def _counts(shape: Shape, blocks: Shape) -> Shape:
    """How many blocks there are along each axis."""
    return tuple(size // block for size, block in zip(shape, blocks, strict=True))


def _by_block(weight: Tensor, blocks: Shape) -> Tensor:
    """A weight as `[blocks, weights of a block]`."""
    counts, rank = _counts(tuple(weight.shape), blocks), weight.ndim
    split = weight.reshape([size for pair in zip(counts, blocks, strict=True) for size in pair])
    ordered = split.permute(*range(0, 2 * rank, 2), *range(1, 2 * rank, 2))
    return ordered.reshape(-1, math.prod(blocks))


def _joined(rows: Tensor, shape: Shape, blocks: Shape) -> Tensor:
    """The inverse of `_by_block`, contiguous."""
    rank = len(shape)
    split = rows.reshape(*_counts(shape, blocks), *blocks)
    order = [axis for at in range(rank) for axis in (at, rank + at)]
    return split.permute(*order).reshape(shape).contiguous()


def _int8(rows: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    whole, scales = int8_by_output(rows, dtype)
    return whole, scales[:, None]


def _palettes(bits: int) -> Callable[[Tensor, torch.dtype], tuple[Tensor, Tensor]]:
    return lambda rows, dtype: palettes(rows, bits, cluster, dtype)


def _scaled(kind: int) -> Callable[[_Stored], tuple[Part, ...]]:
    """Whole numbers of a type and a scale for each block; without an offset."""
    return lambda stored: (
        Part("data", kind, stored.whole),
        Part("scale", stored.kind, stored.beside[..., 0].numpy()),
    )


def _scaled_outputs(stored: _Stored) -> tuple[Part, ...]:
    """The older form: scales along one axis, and a zero point."""
    return (
        Part("quantized_data", MIL_pb2.INT8, stored.whole),
        Part("zero_point", MIL_pb2.INT8, np.array(0, np.int8)),
        Part("scale", stored.kind, stored.beside.reshape(-1).numpy()),
        Part("axis", MIL_pb2.INT32, np.array(stored.axis, np.int32)),
    )


def _indexed(kind: int) -> Callable[[_Stored], tuple[Part, ...]]:
    """Indices of a type and a table for each block, of single values and not of vectors."""
    return lambda stored: (
        Part("indices", kind, stored.whole),
        Part("lut", stored.kind, stored.beside[..., None].numpy()),
    )


def _indexed_in_bytes(stored: _Stored) -> tuple[Part, ...]:
    """The older form: one table, and indices packed into bytes, the lowest bits first."""
    table = stored.beside.reshape(-1)
    bits = (len(table) - 1).bit_length()
    flat = stored.whole.reshape(-1, 1)
    packed = np.packbits(
        np.unpackbits(flat, axis=1, count=bits, bitorder="little"), bitorder="little"
    )
    return (
        Part("indices", MIL_pb2.UINT8, packed),
        Part("lut", stored.kind, table.numpy()),
        Part("shape", MIL_pb2.UINT32, np.array(stored.whole.shape, np.uint32)),
    )


_SHIFT_SCALE = "constexpr_blockwise_shift_scale"
_TO_DENSE = "constexpr_lut_to_dense"

_FORMS: Mapping[NumberTypes, Form] = {
    INT8: Form(_SHIFT_SCALE, 8, 1, _each_output, _int8, _scaled(MIL_pb2.INT8)),
    STATIC_INT8: Form(_SHIFT_SCALE, 8, 1, _each_output, _int8, _scaled(MIL_pb2.INT8)),
    INT4: Form(_SHIFT_SCALE, 4, 1, _some_of_an_output, int4_by_group, _scaled(MIL_pb2.INT4)),
    PALETTE_6: Form(_TO_DENSE, 6, 64, _everything, _palettes(6), _indexed(MIL_pb2.UINT6)),
    PALETTE_4: Form(_TO_DENSE, 4, 16, _some_outputs, _palettes(4), _indexed(MIL_pb2.UINT4)),
}
_OLDER_FORMS: Mapping[NumberTypes, Form] = {
    INT8: Form("constexpr_affine_dequantize", 8, 1, _each_output, _int8, _scaled_outputs),
    PALETTE_6: Form(_TO_DENSE, 6, 64, _everything, _palettes(6), _indexed_in_bytes),
}
