"""Reads ONNX graphs: operators, and their tensors' shapes as far as ONNX infers them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvmoe_bench.advice.contract import Op, Tensor
from mvmoe_bench.advice.readers.contract import UnreadableGraph, axis, printable, product, size
from mvmoe_deploy.bundle.integrity import plain_file, read_errors
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import BundleError, MissingExtraError

_MOST_BYTES = 256 << 20
"""Weights are in a file of their own: a graph of a thousand operators has a tenth of a megabyte."""

_UNKNOWN = Tensor(None, "")


def read(root: Path, target: Target) -> Mapping[str, tuple[Op, ...] | UnreadableGraph]:
    """The operators of each graph by name; raises MissingExtraError without `onnx`."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError.from_import(error, "onnx", "export") from error
    return {graph.name: _graph(onnx, root, graph.file) for graph in target.graphs}


def _graph(onnx: Any, root: Path, file: str) -> tuple[Op, ...] | UnreadableGraph:
    """The operators of one file."""
    try:
        data = _bytes(root, file)
        model = _inferred(onnx, onnx.load_from_string(data))
        tensors = _tensors(onnx, model.graph)
        return tuple(
            _op(onnx, node, tensors) for node in model.graph.node if node.op_type != "Constant"
        )
    except BundleError as error:
        return UnreadableGraph(str(error))
    except Exception as error:  # Protobuf's and ONNX's exceptions share no base class of their own.
        return UnreadableGraph(f"{file} is no ONNX graph ({type(error).__name__}); export it again")


def _inferred(onnx: Any, model: Any) -> Any:
    """The model with all shapes that ONNX infers; as it is where an operator is unknown to it."""
    try:
        return onnx.shape_inference.infer_shapes(model)
    except Exception:  # InferenceError, and what protobuf raises of a model that is too large.
        return model


def _bytes(root: Path, file: str) -> bytes:
    """A graph without its external weights."""
    path = plain_file(root, file)
    with read_errors(root, file), path.open("rb") as opened:
        data = opened.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BundleError(f"{file} has more than {_MOST_BYTES:,} bytes; export it again")
    return data


def _tensors(onnx: Any, graph: Any) -> dict[str, Tensor]:
    """What is known of each value by its name."""
    tensors = {value.name: _declared(onnx, value.type.tensor_type) for value in graph.value_info}
    for values in (graph.input, graph.output):
        tensors |= {value.name: _declared(onnx, value.type.tensor_type) for value in values}
    for weight in graph.initializer:
        tensors[weight.name] = Tensor(tuple(weight.dims), _dtype(onnx, weight.data_type))
    return tensors


def _declared(onnx: Any, kind: Any) -> Tensor:
    """A tensor of its declared type."""
    dtype = _dtype(onnx, kind.elem_type)
    if not kind.HasField("shape"):
        return Tensor(None, dtype)
    shape = tuple(
        dim.dim_value if dim.WhichOneof("value") == "dim_value" else None for dim in kind.shape.dim
    )
    return Tensor(shape, dtype)


def _dtype(onnx: Any, number: int) -> str:
    """NumPy's name of an element type."""
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(number).name)
    except (KeyError, TypeError, ValueError):
        return ""


def _op(onnx: Any, node: Any, tensors: Mapping[str, Tensor]) -> Op:
    """One node."""
    inputs = tuple(tensors.get(name, _UNKNOWN) for name in node.input if name)
    outputs = tuple(tensors.get(name, _UNKNOWN) for name in node.output if name)
    attributes = {
        attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute
    }
    weight = inputs[1].shape if node.op_type.startswith("Conv") and len(inputs) > 1 else None
    return Op(
        type=printable(node.op_type),
        inputs=inputs,
        outputs=outputs,
        macs=_macs(node.op_type, inputs, outputs, attributes),
        kernel=() if weight is None else tuple(part or 0 for part in weight[2:]),
    )


def _macs(
    kind: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    attributes: Mapping[str, Any],
) -> int:
    """Multiply-adds of the operators that have most of them."""
    if len(inputs) < 2 or not outputs:
        return 0
    if kind == "MatMul":
        return product(outputs[0], axis(inputs[0], -1))
    if kind == "Gemm":
        return product(outputs[0], axis(inputs[0], 0 if attributes.get("transA") else 1))
    weight = inputs[1].shape or ()
    if kind == "Conv":
        return product(outputs[0], size(weight[1:]))
    if kind == "ConvTranspose":
        return product(inputs[0], size(weight[1:]))
    return 0


PART = read
