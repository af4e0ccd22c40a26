"""The constants of a program: from a `Value` of its protobuf to a NumPy array or a string."""

from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.blobs import Blobs, elements
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import types
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import (
    MilTensorType,
    cast_to_declared,
    tensor_type,
)


def constant(value: Any, blobs: Blobs) -> tuple[MilTensorType, Any]:
    """Type and value of a constant; raises EngineError, or BundleError for a missing file."""
    declared = tensor_type(value.type)
    where = value.WhichOneof("value")
    if where == "blobFileValue":
        blob = value.blobFileValue
        array = blobs.read(blob.fileName, blob.offset, declared)
        return declared, cast_to_declared(array, declared)
    if where == "immediateValue" and value.immediateValue.WhichOneof("value") == "tensor":
        array = _immediate(value.immediateValue.tensor, declared)
        return declared, cast_to_declared(array, declared)
    raise EngineError(f"a constant of {declared} holds {where}; expected a tensor or a blob")


def _immediate(tensor: Any, declared: MilTensorType) -> Any:
    """A value that is in the program itself."""
    kind = tensor.WhichOneof("value")
    values: Any = getattr(tensor, kind).values if kind else ()
    if kind == "strings":
        return values[0] if len(values) == 1 and not declared.shape else None
    try:
        if kind == "bytes":
            return elements(values, declared)
        array = np.array(values, types.nptype_from_builtin(declared.element))
        return array.reshape(declared.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise EngineError(
            f"a constant holds {len(values)} {kind} that are not {declared}; export the bundle "
            "again"
        ) from error
