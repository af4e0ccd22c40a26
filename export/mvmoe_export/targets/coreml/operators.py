"""Reads Core ML's ML Programs: the operators of every function, without the weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.errors import BundleError
from mvmoe_export.graph_operators import (
    UNKNOWN,
    Op,
    OperatorTensor,
    ReadGraph,
    multiply_adds,
    operator,
)

_CONSTANTS = ("const", "constexpr_")
"""Prefixes of operators that hold weights: they are computed once, when the program loads."""

_LAYERS = ("conv", "linear")
"""Prefixes of operators that read `weight` and `bias`."""

_WEIGHTS = ("weight", "bias")

_DEEPEST = 20
"""Blocks within blocks that are looked at: no program of ours has any."""


def read(root: Path, file: str) -> ReadGraph:
    """What gives the operators of each function of a package."""
    from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import MIL_pb2
    from mvmoe_deploy.runtime.runners.coreml_reference.package import open_package

    model = open_package(root / file).model

    def operators(graph: Graph) -> tuple[Op, ...]:
        name = graph.entry or model.description.defaultFunctionName or "main"
        if name not in model.mlProgram.functions:
            raise BundleError(
                f"{file} has no function {name}; export it again", file=file, name=name
            )
        function = model.mlProgram.functions[name]
        if function.opset not in function.block_specializations:
            raise BundleError(
                f"function {name} of {file} has no body; export it again", file=file, name=name
            )
        reader = _Function(MIL_pb2, function.inputs)
        return tuple(reader.block(function.block_specializations[function.opset]))

    return operators


class _Function:
    """The values of one function by name, and of constants what they hold."""

    def __init__(self, mil: Any, inputs: Any) -> None:
        self._dtypes = mil.DataType.DESCRIPTOR.values_by_number
        self._values = {value.name: self._tensor(value.type) for value in inputs}
        self._flags: dict[str, bool] = {}
        self._constants: set[str] = set()

    def block(self, block: Any, depth: int = 0) -> Iterator[Op]:
        """The operators of a block and of the blocks within."""
        for proto in block.operations:
            outputs = {output.name: self._tensor(output.type) for output in proto.outputs}
            self._values |= outputs
            if proto.type.startswith(_CONSTANTS):
                self._constants |= outputs.keys()
                value = proto.attributes.get("val")
                if value is not None and outputs:  # Such say which way round a product is.
                    self._flags[proto.outputs[0].name] = _is_true(value)
                continue
            yield self._op(proto, tuple(outputs.values()))
            for inner in proto.blocks if depth < _DEEPEST else ():
                yield from self.block(inner, depth + 1)

    def _tensor(self, kind: Any) -> OperatorTensor:
        """What a value's declared type says."""
        if kind.WhichOneof("type") != "tensorType":
            return UNKNOWN
        declared = kind.tensorType
        shape = tuple(
            dim.constant.size if dim.WhichOneof("dimension") == "constant" else None
            for dim in declared.dimensions
        )
        known = self._dtypes.get(declared.dataType)
        return OperatorTensor(shape, "" if known is None else known.name.lower())

    def _op(self, proto: Any, outputs: tuple[OperatorTensor, ...]) -> Op:
        """One operator."""
        given = {
            key: [self._given(binding) for binding in argument.arguments]
            for key, argument in sorted(proto.inputs.items())
        }
        first = {key: tensors[0] for key, tensors in given.items() if tensors}
        filters = first.get("weight", UNKNOWN) if proto.type.startswith("conv") else UNKNOWN
        inputs = tuple(tensor for tensors in given.values() for tensor in tensors)
        macs = self._macs(proto, first, outputs[0]) if outputs else 0
        dynamic = self._is_dynamic(proto)
        return operator(proto.type, inputs, outputs, macs, filters, dynamic=dynamic)

    def _is_dynamic(self, proto: Any) -> bool:
        """Whether a weight or bias is the value of an operator, or an input of the function."""
        return any(
            binding.WhichOneof("binding") == "name" and binding.name not in self._constants
            for key in _WEIGHTS
            if key in proto.inputs and proto.type.startswith(_LAYERS)
            for binding in proto.inputs[key].arguments
        )

    def _given(self, binding: Any) -> OperatorTensor:
        """What an operator reads: a value by its name, or one that is written in place."""
        if binding.WhichOneof("binding") == "value":
            return self._tensor(binding.value.type)
        return self._values.get(binding.name, UNKNOWN)

    def _flag(self, proto: Any, key: str) -> bool:
        """An argument that is true or false; False if it is not given."""
        for binding in proto.inputs[key].arguments[:1] if key in proto.inputs else ():
            if binding.WhichOneof("binding") == "value":
                return _is_true(binding.value)
            return self._flags.get(binding.name, False)
        return False

    def _macs(self, proto: Any, given: Mapping[str, OperatorTensor], result: OperatorTensor) -> int:
        """Multiply-adds of the operators that have most of them."""
        x, weight = given.get("x", UNKNOWN), given.get("weight", UNKNOWN)
        match proto.type:
            case "matmul":
                return multiply_adds(result, x.axis(-2 if self._flag(proto, "transpose_x") else -1))
            case "scaled_dot_product_attention":
                return 2 * multiply_adds(result, given.get("key", UNKNOWN).axis(-2))
            case "linear":
                return multiply_adds(result, weight.axis(-1))
            case "conv":
                return multiply_adds(result, weight.weights_per_output)
            case "conv_transpose":
                return multiply_adds(x, weight.weights_per_output)
        return 0


def _is_true(value: Any) -> bool:
    """Whether a constant is true; False of one that is no truth value."""
    return any(value.immediateValue.tensor.bools.values[:1])
