"""The constants of a program: from a `Value` of its protobuf to a NumPy array or a string."""

from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_export.parity.mil.blobs import Blobs, elements
from mvmoe_export.parity.mil.engine import types
from mvmoe_export.parity.mil.tensors import TensorType, settle, tensor_type


def constant(value: Any, blobs: Blobs) -> tuple[TensorType, Any]:
    """Type and value of a constant; raises EngineError, or BundleError for a missing file."""
    told = tensor_type(value.type)
    where = value.WhichOneof("value")
    if where == "blobFileValue":
        blob = value.blobFileValue
        return told, settle(blobs.read(blob.fileName, blob.offset, told), told)
    if where == "immediateValue" and value.immediateValue.WhichOneof("value") == "tensor":
        return told, settle(_immediate(value.immediateValue.tensor, told), told)
    raise EngineError(f"a constant of {told} holds {where}; expected a tensor or a blob")


def _immediate(tensor: Any, told: TensorType) -> Any:
    """A value that is in the program itself."""
    kind = tensor.WhichOneof("value")
    values = getattr(tensor, kind).values if kind else ()
    if kind == "strings":
        return values[0] if len(values) == 1 and not told.shape else None
    try:
        if kind == "bytes":
            return elements(values, told)
        array = np.array(values, types.nptype_from_builtin(told.element))
        return array.reshape(told.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise EngineError(
            f"a constant holds {len(values)} {kind} that are not {told}; export it anew"
        ) from error
