"""Padding and the positions of a window's taps, which convolution and pooling share."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MOST_ELEMENTS

Pads = list[tuple[int, int]]
"""Cells before and after, for each spatial dimension."""


def optional(slot: Any, default: Any = None) -> Any:
    """The value of an input that may be left out."""
    return default if slot is None or slot.val is None else slot.val


def pads(
    operation: Any, spatial: Sequence[int], kernel: Sequence[int], dilations: Sequence[int]
) -> Pads:
    """The padding that `pad_type` and `pad` mean."""
    kind = optional(operation.pad_type, "valid")
    if kind == "valid":
        return [(0, 0)] * len(spatial)
    if kind == "custom":
        flat = [int(size) for size in operation.pad.val]
        return list(zip(flat[::2], flat[1::2], strict=True))
    whole = [
        _same(*sizes)
        for sizes in zip(spatial, kernel, operation.strides.val, dilations, strict=True)
    ]
    if kind == "same_lower":
        return [(total - total // 2, total // 2) for total in whole]
    if kind == "same":
        return [(total // 2, total - total // 2) for total in whole]
    raise EngineError(f"the padding {kind!r} is not known")


def _same(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Cells of padding with which the output has `ceil(size / stride)` positions."""
    return max(0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size)


def padded(x: np.ndarray, around: Pads, value: float) -> np.ndarray:
    """`[N, C, *D]` with cells of `value` around its spatial dimensions."""
    sizes = [size + sum(pair) for size, pair in zip(x.shape[2:], around, strict=True)]
    require_room([*x.shape[:2], *sizes])
    return np.pad(x, [(0, 0), (0, 0), *around], constant_values=value)


def taps(
    x: np.ndarray,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    output: Sequence[int],
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """For each tap of a window its position, and what it sees from every output: `[N, C, *O]`."""
    for tap in itertools.product(*map(range, kernel)):
        seen = [
            slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
            for at, stride, dilation, count in zip(tap, strides, dilations, output, strict=True)
        ]
        yield tap, x[(slice(None), slice(None), *seen)]


def require_room(shape: Sequence[int]) -> None:
    """Refuse to make an array inside an op that is larger than any a program may declare."""
    if np.prod([float(size) for size in shape]) > MOST_ELEMENTS:
        raise EngineError(f"it needs an array {list(shape)}, which is too large", found=list(shape))
