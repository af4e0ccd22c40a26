"""Activations that coremltools does not evaluate, or only one element at a time, or in overflow."""

import math
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError


def silu(operation: Any) -> np.ndarray:
    """`x * sigmoid(x)`."""
    return operation.x.val * _sigmoid(operation.x.val)


def sigmoid(operation: Any) -> np.ndarray:
    """`1 / (1 + exp(-x))`, without overflow."""
    return _sigmoid(operation.x.val)


def erf(operation: Any) -> np.ndarray:
    """The error function, exact."""
    return _erf(operation.x.val)


def gelu(operation: Any) -> np.ndarray:
    """GELU in the form that the op's mode says."""
    x, mode = operation.x.val, operation.mode.val
    if mode == "EXACT":
        return 0.5 * x * (1 + _erf(x / np.float32(math.sqrt(2))))
    if mode == "TANH_APPROXIMATION":
        return 0.5 * x * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + 0.044715 * x**3)))
    if mode == "SIGMOID_APPROXIMATION":
        return x * _sigmoid(1.702 * x)
    raise EngineError(f"the mode {mode!r} is not known")


def thresholded_relu(operation: Any) -> np.ndarray:
    """`x` where it reaches `alpha`, else 0. (coremltools overwrites its input.)"""
    return np.where(operation.x.val < operation.alpha.val, np.float32(0), operation.x.val)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """Through tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def _erf(x: np.ndarray) -> np.ndarray:
    """NumPy has none; Python's is called for each element, which is fast enough for checking."""
    flat = np.asarray(x, np.float64).ravel().tolist()
    return np.fromiter(map(math.erf, flat), np.float32, len(flat)).reshape(np.shape(x))


KERNELS = {
    "erf": erf,
    "gelu": gelu,
    "sigmoid": sigmoid,
    "silu": silu,
    "thresholded_relu": thresholded_relu,
}
