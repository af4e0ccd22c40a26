"""How XNNPACK has layers with compressed weights: linears over whole numbers.

With ranges that are found for each image:

Before:  linear(tokens, weight, bias)
After:   scale, zero = choose_qparams(tokens)
         input = dequantize(quantize(tokens, scale, zero), scale, zero)
         linear(input, dequantize(weight__whole, weight__scale), bias)

XNNPACK's partitioner knows this pattern and makes one operator of it, which multiplies whole
numbers. The pattern has one range for all tokens; XNNPACK finds one for each token anyway.

With ranges that calibration images have shown:

After:   input = dequantize(quantize(tokens, step, zero), step, zero)
         output = linear(input, dequantize(weight__whole, weight__scale), bias)
         dequantize(quantize(output, out_step, out_zero), out_step, out_zero)

XNNPACK wants steps and zero points as numbers of its graph: `static_steps.py` puts them there.

Importing this registers the operators of the pattern, which are PyTorch's.
"""

import operator
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.ao.quantization.fx._decomposed
from torch import Tensor, fx

from mvmoe_export.compression import NumberTypes
from mvmoe_export.layers import Layer, LayerRanges, LayerWriter
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.layers.four_bits import GROUP, int4_by_group
from mvmoe_export.layers.ranges import signed_steps
from mvmoe_export.rewrites.graph import shape
from mvmoe_export.targets.executorch.options import DYNAMIC_INT4, DYNAMIC_INT8, STATIC_INT8

WHOLE, SCALE = "whole", "scale"
"""The parts of a weight: its whole numbers `[outputs, inputs]`, and their scales."""

STEPS = ("step", "zero", "out_step", "out_zero")
"""What is stored of the ranges of what a layer takes and gives."""

CONVOLUTION = "on XNNPACK no convolution is compressed: with few channels it would be slower"
BOUND = "XNNPACK takes whole numbers as constants of a graph only, not as its inputs"
NO_MATRIX = "it multiplies by several matrices, of which XNNPACK takes none in whole numbers"
NO_GROUPS = f"its inputs are no multiple of {GROUP}, which have one scale"

_ATEN = torch.ops.aten
_QUANTIZED = torch.ops.quantized_decomposed
_INPUT_RANGE = (-128, 127, torch.int8)
_WEIGHT_RANGE = (-127, 127, torch.int8)
_INT4_RANGE = (-8, 7, torch.int8)
"""By these bounds XNNPACK knows that two numbers go into a byte."""
_MADE = "mvmoe_quantized"
"""In the meta data of `choose_qparams`: the range and the whole numbers that follow from it."""

_EPSILON = torch.finfo(torch.float32).eps
_TINY = torch.finfo(torch.float32).tiny
"""The smallest scale that XNNPACK takes; of bfloat16 it is the same."""
_LARGEST_RATIO = 128
"""Of a product's step to that of the output; XNNPACK refuses 256."""


class XnnpackInt8Writer:
    """A scale for each output."""

    packed: ClassVar[Mapping[str, int]] = {}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """All but products of one constant matrix."""
        return _refusal(layer, weight)

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`whole` `[outputs, inputs]` and `scale` `[outputs]`."""
        matrix = layer.by_output(weight)
        largest = matrix.abs().amax(dim=1, keepdim=True)
        whole, scale = int8_by_output(_without_tiny(matrix, largest))
        return {WHOLE: whole, SCALE: scale}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """A linear over the weight and what unpacks it."""
        whole, scale = parts[WHOLE], parts[SCALE]
        return _linear(layer, _quantized(layer), _unpacked(layer, whole, scale))


class XnnpackStaticInt8Writer(XnnpackInt8Writer):
    """A scale for each output, and known ranges of what the layer takes and gives."""

    def range_parts(
        self, layer: Layer, parts: Mapping[str, Tensor], found: LayerRanges
    ) -> dict[str, Tensor]:
        """`STEPS`: of fp32 and int8."""
        step, zero = signed_steps(found.taken)
        least = float(step * parts[SCALE].max()) / _LARGEST_RATIO
        return dict(zip(STEPS, (step, zero, *signed_steps(found.given, least)), strict=True))

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """A linear between two pairs that round."""
        step, zero, out_step, out_zero = (parts[name] for name in STEPS)
        weight = _unpacked(layer, parts[WHOLE], parts[SCALE])
        product = _product(layer, _rounded(layer, layer.input, step, zero), weight)
        return _with_outer_bias(layer, _rounded(layer, product, out_step, out_zero))


class XnnpackInt4Writer:
    """A scale for each 32 weights of an output, in bfloat16; two weights in a byte."""

    packed: ClassVar[Mapping[str, int]] = {WHOLE: 4, SCALE: 16}

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """All but products of one constant matrix whose rows are of whole groups."""
        reason = _refusal(layer, weight)
        if reason is None and weight.numel() // weight.shape[layer.outputs_axis] % GROUP:
            reason = NO_GROUPS
        return reason

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """`whole` `[outputs, inputs]` of -7 to 7, and `scale` `[outputs, groups]`."""
        matrix = layer.by_output(weight)
        groups = matrix.reshape(len(matrix), -1, GROUP)
        largest = groups.abs().amax(dim=2, keepdim=True)
        matrix = _without_tiny(groups, largest).reshape_as(matrix)
        whole, scale = int4_by_group(matrix, torch.bfloat16)
        return {WHOLE: whole, SCALE: scale.float()}

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """A linear over the weight and what unpacks it."""
        whole, scale = parts[WHOLE], parts[SCALE]
        unpack = _QUANTIZED.dequantize_per_channel_group.default
        arguments = (whole, scale, _zeros(layer, scale), *_INT4_RANGE, GROUP, torch.float32)
        return _linear(layer, _quantized(layer), _call(layer, unpack, *arguments))


WRITERS: Mapping[NumberTypes, LayerWriter] = {
    DYNAMIC_INT8: XnnpackInt8Writer(),
    STATIC_INT8: XnnpackStaticInt8Writer(),
    DYNAMIC_INT4: XnnpackInt4Writer(),
}
"""By the numbers of a recipe."""


def _refusal(layer: Layer, weight: Tensor) -> str | None:
    """Why a layer is no product of one constant matrix."""
    if not layer.is_product:
        return CONVOLUTION
    if layer.weight.op != "get_attr":
        return BOUND
    # A `matmul` by [1, K, N] may give an axis more than its input has.
    one = weight.ndim == 2 or (layer.operator == "bmm" and weight.shape[0] == 1)
    return None if one else NO_MATRIX


def _without_tiny(weight: Tensor, largest: Tensor) -> Tensor:
    """A weight with 0 where its scale would be smaller than what XNNPACK takes.

    `largest` is that of all weights with one scale.
    """
    return weight.where(largest >= 127 * _TINY, 0)


def _call(layer: Layer, called: Any, *arguments: Any) -> fx.Node:
    """A new node before a layer."""
    return layer.node.graph.call_function(called, arguments)


def _zeros(layer: Layer, scale: fx.Node) -> fx.Node:
    """Zero points, one for each scale: XNNPACK wants to see a constant, and does not store it."""
    graph, sizes = layer.node.graph, shape(scale)
    name = "zero_points_" + "_".join(map(str, sizes))
    module = graph.owning_module
    assert module is not None
    if not hasattr(module, name):
        module.register_buffer(name, torch.zeros(sizes, dtype=torch.int64))
    return graph.get_attr(name)


def _unpacked(layer: Layer, whole: fx.Node, scale: fx.Node) -> fx.Node:
    """The weight of whole numbers with a scale for each output."""
    arguments = (whole, scale, _zeros(layer, scale), 0, *_WEIGHT_RANGE)
    return _call(layer, _QUANTIZED.dequantize_per_channel.default, *arguments)


def _linear(layer: Layer, tokens: fx.Node, weight: fx.Node) -> fx.Node:
    """The linear in a layer's place."""
    return _with_outer_bias(layer, _product(layer, tokens, weight))


def _product(layer: Layer, tokens: fx.Node, weight: fx.Node) -> fx.Node:
    """A linear with the layer's inner bias."""
    bias = layer.inner_bias
    arguments = (tokens, weight) if bias is None else (tokens, weight, bias)
    return _call(layer, _ATEN.linear.default, *arguments)


def _with_outer_bias(layer: Layer, product: fx.Node) -> fx.Node:
    """A product with a bias that may be no constant vector added behind it."""
    if layer.bias is None or layer.inner_bias is not None:
        return product
    return _call(layer, _ATEN.add.Tensor, product, layer.bias)


def _rounded(layer: Layer, values: fx.Node, step: fx.Node, zero: fx.Node) -> fx.Node:
    """Values rounded to whole numbers in a known range."""
    pattern = (values, step, zero, *_INPUT_RANGE)
    whole = _call(layer, _QUANTIZED.quantize_per_tensor.tensor, *pattern)
    return _call(layer, _QUANTIZED.dequantize_per_tensor.tensor, whole, *pattern[1:])


def _quantized(layer: Layer) -> fx.Node:
    """A layer's input, rounded to whole numbers; for all layers that read it this is done once."""
    choose = _QUANTIZED.choose_qparams.tensor
    found = [user for user in layer.input.users if user.target is choose]
    if found:
        scale, zero, whole = found[0].meta[_MADE]
    else:
        chosen = _call(layer, choose, layer.input, *_INPUT_RANGE[:2], _EPSILON, _INPUT_RANGE[2])
        scale, zero = (_call(layer, operator.getitem, chosen, index) for index in range(2))
        pattern = (layer.input, scale, zero, *_INPUT_RANGE)
        whole = _call(layer, _QUANTIZED.quantize_per_tensor.tensor, *pattern)
        chosen.meta[_MADE] = scale, zero, whole
    return _call(layer, _QUANTIZED.dequantize_per_tensor.tensor, whole, scale, zero, *_INPUT_RANGE)
