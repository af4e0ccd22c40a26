"""Selecting by index. (coremltools evaluates `gather`, `topk` and most others itself.)"""

from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import optional


def one_hot(operation: Any) -> np.ndarray:
    """`on_value` where a new axis counts to the index, `off_value` elsewhere."""
    indices = np.expand_dims(operation.indices.val, operation.axis.val)
    size = int(operation.one_hot_vector_size.val)
    axis = operation.axis.val % indices.ndim
    counted = np.arange(size).reshape([-1 if at == axis else 1 for at in range(indices.ndim)])
    result: np.ndarray = np.where(
        indices == counted, operation.on_value.val, operation.off_value.val
    )
    return result


def gather_nd(operation: Any) -> np.ndarray:
    """The slices of `x` at the coordinates in the last axis of `indices`."""
    x, indices = operation.x.val, operation.indices.val
    batch = int(optional(getattr(operation, "batch_dims", None), 0))
    if batch:
        raise EngineError(f"batch_dims {batch} are not supported; expected 0")
    result: np.ndarray = x[tuple(np.moveaxis(indices, -1, 0))]
    return result


KERNELS = {"one_hot": one_hot, "gather_nd": gather_nd}
