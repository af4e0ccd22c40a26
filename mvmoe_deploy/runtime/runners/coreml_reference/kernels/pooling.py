"""Pooling: the window's taps are combined one after the other."""

from typing import Any

import numpy as np

from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import (
    Pads,
    optional,
    padded,
    pads,
    taps,
)


def max_pool(operation: Any) -> np.ndarray:
    """The largest cell of each window; padding never is."""
    windows = _windows(operation, operation.x.val, -np.inf)
    result: np.ndarray = next(windows).copy()
    for seen in windows:
        np.maximum(result, seen, out=result)
    return result


def avg_pool(operation: Any) -> np.ndarray:
    """The mean of each window; cells of padding count unless they are excluded.

    Cells beyond the padding, which a rounded-up number of windows reaches, never count.
    """
    x: np.ndarray = operation.x.val
    counted = np.ones_like(x)
    around = _pads(operation)
    if not optional(operation.exclude_padding_from_average, False):
        counted = padded(np.ones((1, 1, *x.shape[2:]), np.float32), around, 1.0)
        around = [(0, 0)] * len(around)
    total: np.ndarray = sum(_windows(operation, x, 0.0))
    mean: np.ndarray = total / sum(_windows(operation, counted, 0.0, around))
    return mean


def l2_pool(operation: Any) -> np.ndarray:
    """The root of the sum of squares of each window."""
    root: np.ndarray = np.sqrt(sum(_windows(operation, np.square(operation.x.val), 0.0)))
    return root


def _windows(operation: Any, x: np.ndarray, value: float, around: Pads | None = None) -> Any:
    """What each tap sees, `[N, C, *P]`, where cells of `value` are around `x`."""
    kernel = [int(size) for size in operation.kernel_sizes.val]
    strides = [int(size) for size in operation.strides.val]
    output = operation.outputs[0].shape[2:]
    around = _pads(operation) if around is None else around
    reach = [
        (count - 1) * stride + width
        for count, stride, width in zip(output, strides, kernel, strict=True)
    ]
    sizes = [size + sum(pair) for size, pair in zip(x.shape[2:], around, strict=True)]
    longer = [
        (before, after + max(0, far - size))
        for (before, after), far, size in zip(around, reach, sizes, strict=True)
    ]
    for _, seen in taps(padded(x, longer, value), kernel, strides, [1] * len(kernel), output):
        yield seen


def _pads(operation: Any) -> Pads:
    """The padding of a pooling op."""
    kernel = [int(size) for size in operation.kernel_sizes.val]
    return pads(operation, operation.x.val.shape[2:], kernel, [1] * len(kernel))


KERNELS = {"max_pool": max_pool, "avg_pool": avg_pool, "l2_pool": l2_pool}
