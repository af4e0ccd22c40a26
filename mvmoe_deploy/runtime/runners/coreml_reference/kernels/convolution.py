"""Convolutions: one matrix product per tap of the kernel, summed in fp32.

No window is copied, so a convolution takes no more memory than its input and output.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import (
    optional,
    padded,
    pads,
    require_room,
    taps,
)


def conv(operation: Any) -> np.ndarray:
    """`x [N, C, *D]` with `weight [O, C / groups, *K]` gives `[N, O, *P]`."""
    weight, x = operation.weight.val, operation.x.val
    kernel, groups = weight.shape[2:], int(operation.groups.val)
    strides, dilations = operation.strides.val, operation.dilations.val
    around = pads(operation, x.shape[2:], kernel, dilations)
    x = padded(x, around, 0.0)
    output = [
        (size - (width - 1) * dilation - 1) // stride + 1
        for size, width, dilation, stride in zip(
            x.shape[2:], kernel, dilations, strides, strict=True
        )
    ]
    channels = weight.shape[0] // groups
    total = np.zeros((x.shape[0], groups, channels, int(np.prod(output))), np.float32)
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    for tap, seen in taps(x, kernel, strides, dilations, output):
        total += _product(grouped[(..., *tap)], seen, groups)
    return _biased(operation, total.reshape(x.shape[0], weight.shape[0], *output))


def conv_transpose(operation: Any) -> np.ndarray:
    """`x [N, C, *D]` with `weight [C, O / groups, *K]` gives `[N, O, *P]`.

    It is the adjoint of `conv`.
    """
    weight, x = operation.weight.val, operation.x.val
    kernel, groups = weight.shape[2:], int(operation.groups.val)
    strides, dilations = operation.strides.val, operation.dilations.val
    channels = weight.shape[1] * groups
    full = [
        (size - 1) * stride + (width - 1) * dilation + 1
        for size, stride, width, dilation in zip(
            x.shape[2:], strides, kernel, dilations, strict=True
        )
    ]
    wanted = operation.outputs[0].shape[2:]
    before = _cropped_before(operation, full, wanted)
    # A window's far end may lie beyond the last tap: PyTorch calls that output padding.
    whole = [max(size, skip + kept) for size, skip, kept in zip(full, before, wanted, strict=True)]
    require_room([x.shape[0], channels, *whole])
    total = np.zeros((x.shape[0], channels, *whole), np.float32)
    grouped = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    for tap, place in taps(total, kernel, strides, dilations, x.shape[2:]):
        np.add(place, _product(grouped[(..., *tap)], x, groups).reshape(place.shape), out=place)
    inside = [slice(start, start + size) for start, size in zip(before, wanted, strict=True)]
    return _biased(operation, total[(slice(None), slice(None), *inside)])


def _cropped_before(operation: Any, full: list[int], wanted: Sequence[int]) -> list[int]:
    """Cells at the start of each spatial dimension of the whole result that are left out."""
    kind = optional(operation.pad_type, "valid")
    if kind == "custom":
        return [int(size) for size in operation.pad.val[::2]]
    if kind == "same":
        return [max(0, size - kept) // 2 for size, kept in zip(full, wanted, strict=True)]
    return [0] * len(full)


def _product(weight: np.ndarray, seen: np.ndarray, groups: int) -> np.ndarray:
    """`[G, O, C]` times `[N, G * C, *P]` gives `[N, G, O, P]`."""
    flat = seen.reshape(seen.shape[0], groups, seen.shape[1] // groups, -1)
    if weight.shape[1] == weight.shape[2] == 1:  # Depthwise: a product, not a matrix product.
        product: np.ndarray = weight * flat
    else:
        product = np.matmul(weight, flat)
    return product


def _biased(operation: Any, x: np.ndarray) -> np.ndarray:
    """Add the bias of each channel."""
    bias = optional(operation.bias)
    return x if bias is None else x + bias.reshape(-1, *[1] * (x.ndim - 2))


KERNELS = {"conv": conv, "conv_transpose": conv_transpose}
