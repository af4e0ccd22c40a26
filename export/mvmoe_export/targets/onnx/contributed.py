"""Operators of ONNX Runtime's own (`com.microsoft`) that layers with compressed weights are.

PyTorch knows each as an operator of the library `mvmoe_onnx`, with what ONNX Runtime computes as
its Python form; the exporter writes it as the operator of ONNX Runtime.
"""

from collections.abc import Callable, Sequence
from typing import Any

import onnx
import onnxscript
import torch
from torch import Tensor

from mvmoe_export.layers.four_bits import GROUP

DOMAIN = "com.microsoft"

_ONNX = onnxscript.opset18
"""The oldest operator set that a caller may choose."""

_Parameter = onnx.defs.OpSchema.FormalParameter
_OPTIONAL = onnx.defs.OpSchema.FormalParameterOption.Optional


def _operator(name: str, *inputs: _Parameter, attributes: Sequence[str] = ()) -> Any:
    """An operator of ONNX Runtime's for the exporter, as its `ContribOperators.md` has it.

    Attributes are whole numbers. ONNX has no schema of it: the exporter wants one.
    """
    schema = onnx.defs.OpSchema(
        name,
        DOMAIN,
        1,
        inputs=inputs,
        outputs=[_Parameter("Y", "tensor(float)")],
        attributes=[
            onnx.defs.OpSchema.Attribute(key, onnx.defs.OpSchema.AttrType.INT) for key in attributes
        ],
    )
    return onnxscript.values.Op(onnxscript.values.Opset(DOMAIN, 1), name, schema)


_DYNAMIC_QUANTIZE_MAT_MUL = _operator(
    "DynamicQuantizeMatMul",
    _Parameter("A", "tensor(float)"),
    _Parameter("B", "tensor(int8)"),
    _Parameter("b_scale", "tensor(float)"),
    _Parameter("b_zero_point", "tensor(int8)", param_option=_OPTIONAL),
    _Parameter("bias", "tensor(float)", param_option=_OPTIONAL),
)


_MAT_MUL_N_BITS = _operator(
    "MatMulNBits",
    _Parameter("A", "tensor(float)"),
    _Parameter("B", "tensor(uint8)"),
    _Parameter("scales", "tensor(float)"),
    _Parameter("zero_points", "tensor(uint8)", param_option=_OPTIONAL),
    _Parameter("g_idx", "tensor(int32)", param_option=_OPTIONAL),
    _Parameter("bias", "tensor(float)", param_option=_OPTIONAL),
    attributes=("K", "N", "bits", "block_size", "accuracy_level"),
)

_INT8_INPUTS = 4
"""The `accuracy_level` at which inputs are rounded to 8 bits: other levels were slower."""


@torch.library.custom_op("mvmoe_onnx::dynamic_int8_product", mutates_args=())
def dynamic_int8_product(
    value: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None
) -> Tensor:
    """`value` `[..., K]` times `weight` `[K, N]` (int8) with `scale` `[N]`, plus `bias` `[N]`.

    The value is rounded to 256 steps between its smallest and its largest number, 0 among them.
    """
    low, high = value.amin().clamp(max=0), value.amax().clamp(min=0)
    step = ((high - low) / 255).clamp(min=torch.finfo(torch.float32).tiny)
    zero = (-low / step).round().clamp(0, 255)
    whole = (value / step).round().add(zero).clamp(0, 255) - zero
    product = (whole.double() @ weight.double()).float() * (step * scale)
    return product if bias is None else product + bias


@dynamic_int8_product.register_fake
def _(value: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None) -> Tensor:
    return value.new_empty((*value.shape[:-1], weight.shape[1]))


def _dynamic_int8_product(value: Any, weight: Any, scale: Any, bias: Any = None) -> Any:
    """As `DynamicQuantizeMatMul`, which ONNX Runtime computes in one pass."""
    return _DYNAMIC_QUANTIZE_MAT_MUL(value, weight, scale, None, bias)


_MAT_MUL_INTEGER_TO_FLOAT = _operator(
    "MatMulIntegerToFloat",
    _Parameter("A", "tensor(uint8)"),
    _Parameter("B", "tensor(int8)"),
    _Parameter("a_scale", "tensor(float)"),
    _Parameter("b_scale", "tensor(float)"),
    _Parameter("a_zero_point", "tensor(uint8)", param_option=_OPTIONAL),
    _Parameter("b_zero_point", "tensor(int8)", param_option=_OPTIONAL),
    _Parameter("bias", "tensor(float)", param_option=_OPTIONAL),
)


@torch.library.custom_op("mvmoe_onnx::static_int8_product", mutates_args=())
def static_int8_product(
    value: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, steps: Sequence[Tensor]
) -> Tensor:
    """As `dynamic_int8_product`, the value rounded to 256 steps of a size that is given.

    `steps` are their size (fp32) and the one that is 0 (uint8), both of no axes; values beyond them
    become the last one.
    """
    step, zero = steps
    whole = (value / step).round().add(zero.float()).clamp(0, 255) - zero.float()
    product = (whole.double() @ weight.double()).float() * (step * scale)
    return product if bias is None else product + bias


@static_int8_product.register_fake
def _(
    value: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None, steps: Sequence[Tensor]
) -> Tensor:
    return value.new_empty((*value.shape[:-1], weight.shape[1]))


def _static_int8_product(
    value: Any, weight: Any, scale: Any, bias: Any, steps: Sequence[Any]
) -> Any:
    """As `QuantizeLinear` and `MatMulIntegerToFloat`."""
    step, zero = steps
    whole = _ONNX.QuantizeLinear(value, step, zero)
    return _MAT_MUL_INTEGER_TO_FLOAT(whole, weight, step, scale, zero, None, bias)


@torch.library.custom_op("mvmoe_onnx::int4_product", mutates_args=())
def int4_product(
    value: Tensor, packed: Tensor, scale: Tensor, bias: Tensor | None, inputs: int
) -> Tensor:
    """`value` `[..., K]` times a weight of 4 bits in groups of 32, plus `bias` `[N]`.

    `packed` `[N, groups, 16]` (uint8) has two numbers plus 8 in each byte, the first in its lower
    half; `scale` is `[N * groups]`. The value is not rounded here: ONNX Runtime does it group by
    group.
    """
    halves = torch.stack([packed & 15, packed >> 4], dim=-1).flatten(-2)
    whole = halves.to(torch.float32) - 8
    weight = (whole * scale.reshape(*whole.shape[:2], 1)).flatten(1)[:, :inputs]
    product = value @ weight.T
    return product if bias is None else product + bias


@int4_product.register_fake
def _(value: Tensor, packed: Tensor, scale: Tensor, bias: Tensor | None, inputs: int) -> Tensor:
    return value.new_empty((*value.shape[:-1], len(packed)))


def _int4_product(value: Any, packed: Any, scale: Any, bias: Any = None, inputs: int = 0) -> Any:
    """As `MatMulNBits`."""
    return _MAT_MUL_N_BITS(
        value,
        packed,
        scale,
        None,
        None,
        bias,
        K=inputs,
        N=packed.shape[0],
        bits=4,
        block_size=GROUP,
        accuracy_level=_INT8_INPUTS,
    )


DYNAMIC_INT8_PRODUCT = torch.ops.mvmoe_onnx.dynamic_int8_product.default
STATIC_INT8_PRODUCT = torch.ops.mvmoe_onnx.static_int8_product.default
INT4_PRODUCT = torch.ops.mvmoe_onnx.int4_product.default

TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    DYNAMIC_INT8_PRODUCT: _dynamic_int8_product,
    STATIC_INT8_PRODUCT: _static_int8_product,
    INT4_PRODUCT: _int4_product,
}
"""For the exporter, what each operator is written as."""
