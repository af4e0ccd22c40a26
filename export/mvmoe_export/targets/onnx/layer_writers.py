"""How ONNX Runtime has layers with compressed weights."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, fx

from mvmoe_export.compression import NumberTypes
from mvmoe_export.layers import Layer, LayerWriter
from mvmoe_export.layers.int8 import int8_by_output
from mvmoe_export.targets.onnx.contributed import DYNAMIC_INT8_PRODUCT
from mvmoe_export.targets.onnx.options import DYNAMIC_INT8

NO_DYNAMIC_CONVOLUTION = "ONNX Runtime computes such a convolution slower than in fp32"


class DynamicInt8Writer:
    """`DynamicQuantizeMatMul` with its bias, and the weight as `[inputs, outputs]`.

    Not QuantizeLinear and DequantizeLinear around a MatMul: ONNX Runtime 1.31 makes a Gemm of it
    before it looks for these, which then computes in fp32 on weights that it unpacks in every call.
    """

    packed: ClassVar[Mapping[str, int]] = {}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """All but products of a matrix: convolutions."""
        return None if layer.is_product and _is_matrix(weight) else NO_DYNAMIC_CONVOLUTION

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`int8` `[inputs, outputs]` and `scale` `[outputs]`."""
        whole, scale = int8_by_output(layer.by_output(weight))
        return {"int8": whole.T.contiguous(), "scale": scale}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """One node, its bias inside."""
        arguments = (layer.input, parts["int8"], parts["scale"], layer.bias)
        return layer.node.graph.call_function(DYNAMIC_INT8_PRODUCT, arguments)


def _is_matrix(weight: Tensor) -> bool:
    """Whether a weight is one matrix, perhaps behind an axis of size 1."""
    return weight.ndim == 2 or (weight.ndim == 3 and weight.shape[0] == 1)


WRITERS: Mapping[NumberTypes, LayerWriter] = {DYNAMIC_INT8: DynamicInt8Writer()}
"""By the numbers of a recipe."""
