"""Shapes inside of an ONNX graph, also behind operators of ONNX Runtime's own.

ONNX knows no shapes of `com.microsoft`, and none of what is made of their results. So they are
inferred of a copy in which each of these products is one of ONNX's.
"""

from collections.abc import Mapping
from typing import Any

import onnx

_DOMAIN = "com.microsoft"


def inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model's copy with all shapes that can be inferred, its own operators in place."""
    nodes = list(model.graph.node)
    if not any(node.domain == _DOMAIN for node in nodes):
        return onnx.shape_inference.infer_shapes(model)
    standard = onnx.ModelProto()
    standard.CopyFrom(model)
    sizes = _sizes(standard.graph)
    del standard.graph.node[:]
    for node in nodes:
        standard.graph.node.extend(_standard(node, sizes, standard.graph))
    found = onnx.shape_inference.infer_shapes(standard)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.value_info[:], result.graph.output[:]
    result.graph.output.extend(found.graph.output)
    made = {name for node in nodes for name in node.output}
    result.graph.value_info.extend(v for v in found.graph.value_info if v.name in made)
    return result


def weight_sizes(node: onnx.NodeProto, sizes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Inputs and outputs `[K, N]` of a product of `com.microsoft`; empty for another operator."""
    if node.op_type == "MatMulNBits":
        given = {attribute.name: attribute.i for attribute in node.attribute}
        return given["K"], given["N"]
    if node.op_type in ("DynamicQuantizeMatMul", "MatMulIntegerToFloat"):
        return sizes.get(node.input[1], ())[-2:]
    return ()


def _sizes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """The sizes of weights: of initializers, and of inputs of the graph."""
    known = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    for value in graph.input:
        sizes = tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
        known.setdefault(value.name, sizes)
    return known


def _standard(
    node: onnx.NodeProto, sizes: Mapping[str, tuple[int, ...]], graph: Any
) -> list[onnx.NodeProto]:
    """An operator of ONNX's with a result of the same shape and type; itself if it is one."""
    weight = weight_sizes(node, sizes) if node.domain == _DOMAIN else ()
    if len(weight) != 2:
        return [node]
    name = f"{node.output[0]} weight"
    graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, weight))
    value, before = node.input[0], []
    if node.op_type == "MatMulIntegerToFloat":  # Its input is of whole numbers.
        value = f"{node.output[0]} value"
        cast = onnx.helper.make_node("Cast", [node.input[0]], [value], to=onnx.TensorProto.FLOAT)
        before = [cast]
    return [*before, onnx.helper.make_node("MatMul", [value, name], list(node.output))]
