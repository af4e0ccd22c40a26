"""Writing at an index. coremltools evaluates `scatter_along_axis` itself, but whatever its `mode`
is as an update, and the others not at all.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import optional

_MODES: dict[str, Callable[..., None]] = {
    "update": lambda data, places, updates: data.__setitem__(places, updates),
    "add": np.add.at,
    "sub": np.subtract.at,
    "mul": np.multiply.at,
    "div": np.divide.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}
"""Each meets every update of a place, also if there are several."""


def scatter(operation: Any) -> np.ndarray:
    """Updates at `indices [C]` along an axis of `data`, for all of its other axes."""
    data = operation.data.val
    axis = int(optional(operation.axis, 0)) % data.ndim
    places = (*[slice(None)] * axis, operation.indices.val)
    return _scattered(operation, places, "update")


def scatter_along_axis(operation: Any) -> np.ndarray:
    """Updates at an index along an axis that each of them has for itself."""
    indices = operation.indices.val
    axis = int(optional(operation.axis, 0)) % indices.ndim
    places = list(np.ogrid[tuple(slice(size) for size in indices.shape)])
    places[axis] = indices
    return _scattered(operation, tuple(places), "add")


def scatter_nd(operation: Any) -> np.ndarray:
    """Updates at the coordinates in the last axis of `indices`."""
    return _scattered(operation, tuple(np.moveaxis(operation.indices.val, -1, 0)), "add")


def _scattered(operation: Any, places: tuple[Any, ...], default: str) -> np.ndarray:
    """A copy of the data with the updates, by the operation's mode or the default one."""
    mode = str(optional(operation.mode, default))
    if mode not in _MODES:
        raise EngineError(f"the mode {mode} is unknown; expected one of {', '.join(_MODES)}")
    result: np.ndarray = operation.data.val.copy()
    try:
        _MODES[mode](result, places, operation.updates.val)
    except IndexError as error:
        raise EngineError(f"an index is out of bounds ({error}); give one inside") from error
    return result


KERNELS = {
    "scatter": scatter,
    "scatter_along_axis": scatter_along_axis,
    "scatter_nd": scatter_nd,
}
