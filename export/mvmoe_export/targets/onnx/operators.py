"""Reads ONNX graphs: operators, and their tensors' shapes as far as ONNX infers them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mvmoe_deploy.bundle.integrity import plain_file, read_errors
from mvmoe_deploy.errors import BundleError, MissingExtraError
from mvmoe_export.graph_operators import (
    UNKNOWN,
    Op,
    OperatorTensor,
    ReadGraph,
    multiply_adds,
    operator,
)

_LAYERS = ("Gemm", "Conv", "ConvTranspose")
"""Operators that read a weight after their input, and then a bias."""

_MOST_BYTES = 256 << 20
"""Weights are in a file of their own: a graph of a thousand operators has a tenth of a megabyte."""


def read(root: Path, file: str) -> ReadGraph:
    """What gives the operators of the one graph of a file."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError.from_import(error, "onnx", "export") from error
    data = _bytes(root, file)
    try:
        graph = _inferred(onnx.load_from_string(data)).graph
        tensors, constants = _tensors(onnx, graph), _constants(graph)
        found = tuple(
            _op(node, tensors, constants) for node in graph.node if node.op_type != "Constant"
        )
    except Exception as error:  # Protobuf's and ONNX's exceptions share no base class of their own.
        raise BundleError(
            f"{file} is no ONNX graph ({type(error).__name__}); export it again", file=file
        ) from error
    return lambda _: found


def _inferred(model: Any) -> Any:
    """The model with all shapes that can be inferred; as it is where ONNX knows no operator."""
    from mvmoe_export.targets.onnx.shape_inference import inferred

    try:
        return inferred(model)
    except Exception:  # InferenceError, and what protobuf raises of a model that is too large.
        return model


def _bytes(root: Path, file: str) -> bytes:
    """A graph without its external weights."""
    path = plain_file(root, file)
    with read_errors(root, file), path.open("rb") as opened:
        data = opened.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BundleError(
            f"{file} has more than {_MOST_BYTES:,} bytes; export it again",
            code="bundle.too-large",
            limit=_MOST_BYTES,
        )
    return data


def _tensors(onnx: Any, graph: Any) -> dict[str, OperatorTensor]:
    """What is known of each value by its name."""
    tensors = {
        value.name: _declared(onnx, value.type.tensor_type)
        for values in (graph.value_info, graph.input, graph.output)
        for value in values
    }
    for weight in graph.initializer:
        tensors[weight.name] = OperatorTensor(tuple(weight.dims), _dtype(onnx, weight.data_type))
    return tensors


def _declared(onnx: Any, kind: Any) -> OperatorTensor:
    """A tensor of its declared type."""
    dtype = _dtype(onnx, kind.elem_type)
    if not kind.HasField("shape"):
        return OperatorTensor(None, dtype)
    shape = tuple(
        dim.dim_value if dim.WhichOneof("value") == "dim_value" else None for dim in kind.shape.dim
    )
    return OperatorTensor(shape, dtype)


def _dtype(onnx: Any, number: int) -> str:
    """NumPy's name of an element type."""
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(number).name)
    except (KeyError, TypeError, ValueError):
        return ""


def _constants(graph: Any) -> set[str]:
    """The values that no input of the graph changes; an input it may be without is none of them."""
    constants = {weight.name for weight in graph.initializer}
    constants -= {value.name for value in graph.input}
    for node in graph.node:
        if all(name in constants for name in node.input if name):
            constants.update(node.output)
    return constants


def _op(node: Any, tensors: Mapping[str, OperatorTensor], constants: Collection[str]) -> Op:
    """One node."""
    inputs, outputs = (
        tuple(tensors.get(name, UNKNOWN) for name in names if name)
        for names in (node.input, node.output)
    )
    filters = inputs[1] if node.op_type.startswith("Conv") and len(inputs) > 1 else UNKNOWN
    macs = _macs(node, inputs[0], filters, outputs[0]) if inputs and outputs else 0
    weights = node.input[1:] if node.op_type in _LAYERS else ()
    dynamic = any(name not in constants for name in weights if name)
    return operator(node.op_type, inputs, outputs, macs, filters, dynamic=dynamic)


def _macs(node: Any, x: OperatorTensor, filters: OperatorTensor, result: OperatorTensor) -> int:
    """Multiply-adds of the operators that have most of them."""
    match node.op_type:
        case "MatMul" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat" | "MatMulNBits":
            return multiply_adds(result, x.axis(-1))
        case "Gemm":
            transposed = any(given.name == "transA" and given.i for given in node.attribute)
            return multiply_adds(result, x.axis(0 if transposed else 1))
        case "Conv":
            return multiply_adds(result, filters.weights_per_output)
        case "ConvTranspose":
            return multiply_adds(x, filters.weights_per_output)
    return 0
