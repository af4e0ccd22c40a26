"""How ONNX Runtime has layers with compressed weights."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, fx
from torch.nn.functional import pad

from mvmoe_export.compression import NumberTypes
from mvmoe_export.layers import Layer, LayerRanges, LayerWriter
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.layers.four_bits import GROUP, int4_by_group
from mvmoe_export.layers.ranges import unsigned_steps
from mvmoe_export.rewrites.graph import shape
from mvmoe_export.targets.onnx.contributed import (
    DYNAMIC_INT8_PRODUCT,
    INT4_PRODUCT,
    STATIC_INT8_PRODUCT,
)
from mvmoe_export.targets.onnx.options import (
    DYNAMIC_INT4,
    DYNAMIC_INT8,
    STATIC_INT8,
    STORED_FLOAT16,
)

_ATEN = torch.ops.aten

NO_LAYER = "its weight is one of several matrices, which ONNX Runtime has no such layer for"
BOUND = "its weight is an input, which ONNX Runtime would unpack in every call"


class StoredWriter:
    """Weights in fewer bits and the layer in fp32, over a `Cast` and a `Mul` of constants.

    ONNX Runtime computes these once, when it opens the graph, as it does not a DequantizeLinear.
    """

    packed: ClassVar[Mapping[str, int]] = {}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """Weights that are inputs."""
        return BOUND if layer.is_bound else None

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`fp16`, in the weight's shape."""
        return {"fp16": weight.to(torch.float16)}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """The same layer over what its parts multiply to."""
        graph = layer.node.graph
        whole, *scales = parts.values()
        unpacked = graph.call_function(_ATEN.to.dtype, (whole, torch.float32))
        for scale in scales:
            unpacked = graph.call_function(_ATEN.mul.Tensor, (unpacked, scale))
        return layer.with_weight(unpacked)


class StoredInt8Writer(StoredWriter):
    """Weights in 8 bits, the layer in fp32."""

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`int8` in the weight's shape, `scale` with axes of 1 beside that of the outputs."""
        whole, scale = int8_by_output(layer.by_output(weight))
        return {"int8": layer.in_shape(whole, weight), "scale": layer.in_shape(scale, weight)}


_STORED_INT8 = StoredInt8Writer()


class DynamicInt8Writer:
    """`DynamicQuantizeMatMul` with its bias, and the weight as `[inputs, outputs]`.

    Not QuantizeLinear and DequantizeLinear around a MatMul: ONNX Runtime 1.31 makes a Gemm of it
    before it looks for these, which then computes in fp32 on weights that it unpacks in every call.
    Convolutions are stored in 8 bits and compute in fp32.
    """

    packed: ClassVar[Mapping[str, int]] = {}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """Products of several matrices, and convolutions whose weight is an input."""
        if not layer.is_product:
            return _STORED_INT8.refuses(layer, weight)
        return None if _is_matrix(layer, weight) else NO_LAYER

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`int8` `[inputs, outputs]` and `scale` `[outputs]`."""
        if not layer.is_product:
            return _STORED_INT8.parts(layer, weight)
        whole, scale = int8_by_output(layer.by_output(weight))
        return {"int8": whole.T.contiguous(), "scale": scale}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """One node, its bias inside."""
        if not layer.is_product:
            return _STORED_INT8.write(layer, parts)
        arguments = (layer.input, parts["int8"], parts["scale"], layer.bias)
        return layer.node.graph.call_function(DYNAMIC_INT8_PRODUCT, arguments)


class StaticInt8Writer(DynamicInt8Writer):
    """`QuantizeLinear` with a known range and `MatMulIntegerToFloat` with its bias."""

    def range_parts(
        self, layer: Layer, parts: Mapping[str, Tensor], found: LayerRanges
    ) -> dict[str, Tensor]:
        """`step` and `zero` of what a product takes; convolutions compute in fp32."""
        if not layer.is_product:
            return {}
        step, zero = unsigned_steps(found.taken)
        return {"step": step, "zero": zero}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """One node, its bias inside."""
        if not layer.is_product:
            return _STORED_INT8.write(layer, parts)
        steps = [parts["step"], parts["zero"]]
        arguments = (layer.input, parts["int8"], parts["scale"], layer.bias, steps)
        return layer.node.graph.call_function(STATIC_INT8_PRODUCT, arguments)


class DynamicInt4Writer:
    """`MatMulNBits` with its bias; convolutions are stored in 8 bits and compute in fp32."""

    packed: ClassVar[Mapping[str, int]] = {}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """Products of several matrices, and weights that are inputs."""
        if layer.is_bound:
            return BOUND
        return None if not layer.is_product or _is_matrix(layer, weight) else NO_LAYER

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`int4` `[outputs, groups, 16]`, two numbers plus 8 a byte, and `scale`, all in a row."""
        if not layer.is_product:
            return _STORED_INT8.parts(layer, weight)
        whole, scale = int4_by_group(layer.by_output(weight))
        outputs, groups = scale.shape
        padded = pad(whole, (0, groups * GROUP - whole.shape[1])) + 8
        pairs = padded.to(torch.uint8).reshape(outputs, groups, GROUP // 2, 2)
        return {"int4": pairs[..., 0] | (pairs[..., 1] << 4), "scale": scale.reshape(-1)}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """One node, its bias inside."""
        if not layer.is_product:
            return _STORED_INT8.write(layer, parts)
        inputs = shape(layer.input)[-1]
        arguments = (layer.input, parts["int4"], parts["scale"], layer.bias, inputs)
        return layer.node.graph.call_function(INT4_PRODUCT, arguments)


def _is_matrix(layer: Layer, weight: Tensor) -> bool:
    """Whether a weight is one matrix, perhaps behind an axis of size 1 that its input has too."""
    if weight.ndim == 3:
        return weight.shape[0] == 1 and len(shape(layer.input)) == 3
    return weight.ndim == 2


WRITERS: Mapping[NumberTypes, LayerWriter] = {
    DYNAMIC_INT8: DynamicInt8Writer(),
    STATIC_INT8: StaticInt8Writer(),
    DYNAMIC_INT4: DynamicInt4Writer(),
    STORED_FLOAT16: StoredWriter(),
}
"""By the numbers of a recipe."""
