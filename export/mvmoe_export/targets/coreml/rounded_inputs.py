"""Rounds what layers take to whole numbers of 8 bits, in ranges that images have shown.

Before:  linear(x, weight=constexpr_blockwise_shift_scale(...))
After:   linear(dequantize(quantize(x, scale), scale), weight=constexpr_blockwise_shift_scale(...))

A chip that multiplies whole numbers makes one operation of this; others compute as it says. The
ranges are symmetric, which is what coremltools makes too. They are a graph's own, so this is done
to each function after its weights are filled in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mvmoe_export.layers import Range
from mvmoe_export.targets.coreml.constants import body
from mvmoe_export.targets.coreml.toolkit import MIL_pb2, create_scalar_value

_LAYERS: Mapping[str, tuple[str, ...]] = {
    "linear": ("weight", "x"),
    "conv": ("weight", "x"),
    "conv_transpose": ("weight", "x"),
    "matmul": ("y", "x"),
}
"""By operator, the arguments of the weight and of what it is multiplied with."""

_FLOATS = {MIL_pb2.FLOAT16: np.float16, MIL_pb2.FLOAT32: np.float32}
_LARGEST = 127
_SMALLEST = 2.0**-14
"""The smallest scale: the smallest number that fp16 has all its bits for."""


def round_inputs(function: Any, taken: Mapping[str, Range]) -> None:
    """Round what layers take whose weights are `taken`, by the names of these values."""
    block = body(function)
    types = {given.name: given.type for given in function.inputs}
    made: dict[tuple[str, float], str] = {}
    operations: list[Any] = []
    for operation in block.operations:
        types.update((given.name, given.type) for given in operation.outputs)
        weight, source = _LAYERS.get(operation.type, ("", ""))
        span = taken.get(_name(operation, weight))
        values = _name(operation, source)
        if span is not None and values in types:
            scale = max(-span[0], span[1]) / _LARGEST or 1.0
            known = values, max(scale, _SMALLEST)
            if known not in made:
                pair = _pair(f"{values}_rounded{len(made)}", *known, types[values])
                operations += pair
                made[known] = pair[-1].outputs[0].name
            operation.inputs[source].arguments[0].name = made[known]
        operations.append(operation)
    kept = [MIL_pb2.Operation.FromString(one.SerializeToString()) for one in operations]
    del block.operations[:]
    block.operations.extend(kept)


def _name(operation: Any, argument: str) -> str:
    """The value that an operator takes as an argument; empty if it takes none by name."""
    if argument not in operation.inputs:
        return ""
    given = operation.inputs[argument].arguments
    return str(given[0].name) if len(given) == 1 else ""


def _pair(name: str, values: str, scale: float, kind: Any) -> list[Any]:
    """What rounds a value and gives it back as it was."""
    number = _FLOATS[kind.tensorType.dataType](scale)
    whole = MIL_pb2.ValueType()
    whole.CopyFrom(kind)
    whole.tensorType.dataType = MIL_pb2.INT8
    quantize = _operator("quantize", f"{name}_whole", values, number, whole)
    quantize.inputs["output_dtype"].arguments.add().value.CopyFrom(create_scalar_value("int8"))
    return [quantize, _operator("dequantize", name, f"{name}_whole", number, kind)]


def _operator(kind: str, name: str, values: str, scale: Any, gives: Any) -> Any:
    """An operator over a value and a scale."""
    operation = MIL_pb2.Operation(type=kind)
    operation.inputs["input"].arguments.add().name = values
    operation.inputs["scale"].arguments.add().value.CopyFrom(create_scalar_value(scale))
    operation.outputs.add(name=name).type.CopyFrom(gives)
    operation.attributes["name"].CopyFrom(create_scalar_value(name))
    return operation
