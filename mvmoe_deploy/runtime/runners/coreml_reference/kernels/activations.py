"""Activations that coremltools does not evaluate, or only one element at a time, or in overflow."""

import math
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError


def silu(operation: Any) -> np.ndarray:
    """`x * sigmoid(x)`."""
    x: np.ndarray = operation.x.val
    result: np.ndarray = x * _sigmoid(x)
    return result


def sigmoid(operation: Any) -> np.ndarray:
    """`1 / (1 + exp(-x))`, without overflow."""
    return _sigmoid(operation.x.val)


def erf(operation: Any) -> np.ndarray:
    """The error function, exact."""
    return _erf(operation.x.val)


def gelu(operation: Any) -> np.ndarray:
    """GELU in the form that the op's mode says."""
    x, mode = operation.x.val, operation.mode.val
    if mode not in _GELUS:
        raise EngineError(f"the mode {mode!r} of GELU is not known; expected {', '.join(_GELUS)}")
    return _GELUS[mode](x)


def thresholded_relu(operation: Any) -> np.ndarray:
    """`x` where it reaches `alpha`, else 0. (coremltools overwrites its input.)"""
    return np.where(operation.x.val < operation.alpha.val, np.float32(0), operation.x.val)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """Through tanh, which does not overflow."""
    result: np.ndarray = 0.5 * (1 + np.tanh(0.5 * x))
    return result


def _gelu_exact(x: np.ndarray) -> np.ndarray:
    """With the error function."""
    result: np.ndarray = 0.5 * x * (1 + _erf(x / np.float32(math.sqrt(2))))
    return result


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    """With tanh of a cubic."""
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + 0.044715 * x**3)
    result: np.ndarray = 0.5 * x * (1 + np.tanh(inner))
    return result


def _gelu_sigmoid(x: np.ndarray) -> np.ndarray:
    """With the sigmoid."""
    result: np.ndarray = x * _sigmoid(1.702 * x)
    return result


def _erf(x: np.ndarray) -> np.ndarray:
    """NumPy has none; Python's is called for each element, which is fast enough for checking."""
    flat = np.asarray(x, np.float64).ravel().tolist()
    return np.fromiter(map(math.erf, flat), np.float32, len(flat)).reshape(np.shape(x))


_GELUS = {
    "EXACT": _gelu_exact,
    "TANH_APPROXIMATION": _gelu_tanh,
    "SIGMOID_APPROXIMATION": _gelu_sigmoid,
}

KERNELS = {
    "erf": erf,
    "gelu": gelu,
    "sigmoid": sigmoid,
    "silu": silu,
    "thresholded_relu": thresholded_relu,
}
