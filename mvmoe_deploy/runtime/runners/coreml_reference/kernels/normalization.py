"""Normalisation over channels. (coremltools evaluates `layer_norm` itself.)"""

from typing import Any

import numpy as np

from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import optional


def batch_norm(operation: Any) -> np.ndarray:
    """`[N, C, *D]` with the mean and variance that the op holds for each channel."""
    x = operation.x.val
    mean, variance = (_channels(slot.val, x) for slot in (operation.mean, operation.variance))
    return _scaled(operation, (x - mean) / np.sqrt(variance + operation.epsilon.val))


def instance_norm(operation: Any) -> np.ndarray:
    """`[N, C, *D]` with the mean and variance of each channel of each image."""
    x = operation.x.val
    axes = tuple(range(2, x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    variance = np.square(centred).mean(axes, keepdims=True)
    return _scaled(operation, centred / np.sqrt(variance + operation.epsilon.val))


def local_response_norm(operation: Any) -> np.ndarray:
    """Divided by a power of the mean square over `size` neighbouring channels."""
    x, size = operation.x.val, int(operation.size.val)
    before = size // 2
    squares = np.pad(np.square(x), [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
    total = sum(squares[:, at : at + x.shape[1]] for at in range(size))
    base = operation.k.val + operation.alpha.val / np.float32(size) * total
    result: np.ndarray = x / base**operation.beta.val
    return result


def _scaled(operation: Any, x: np.ndarray) -> np.ndarray:
    """Apply the scale and the offset of each channel, where there are."""
    gamma, beta = optional(operation.gamma), optional(operation.beta)
    x = x if gamma is None else x * _channels(gamma, x)
    return x if beta is None else x + _channels(beta, x)


def _channels(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`[C]` as `[C, 1, ...]`, to be used with `[N, C, ...]`."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


KERNELS = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "local_response_norm": local_response_norm,
}
