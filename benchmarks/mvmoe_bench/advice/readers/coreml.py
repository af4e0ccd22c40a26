"""Reads Core ML's ML Programs: the operators of every function, without the weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mvmoe_bench.advice.contract import Op, Tensor
from mvmoe_bench.advice.readers.contract import UnreadableGraph, axis, printable, product, size
from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.errors import BundleError

_CONSTANTS = ("const", "constexpr_")
"""Prefixes of operators that hold weights: they are computed once, when the program loads."""

_UNKNOWN = Tensor(None, "")
_DEEPEST = 20
"""Blocks within blocks that are looked at: no program of ours has any."""


def read(root: Path, target: Target) -> Mapping[str, tuple[Op, ...] | UnreadableGraph]:
    """The operators of each graph by name; raises MissingExtraError without `coremltools`."""
    from mvmoe_deploy.runtime.runners.coreml_reference.engine import MIL_pb2
    from mvmoe_deploy.runtime.runners.coreml_reference.package import open_package

    packages: dict[str, Any] = {}
    for file in {graph.file for graph in target.graphs}:
        try:
            packages[file] = open_package(root / file).model
        except BundleError as error:
            packages[file] = UnreadableGraph(str(error))
    return {graph.name: _graph(MIL_pb2, packages[graph.file], graph) for graph in target.graphs}


def _graph(mil: Any, model: Any, graph: Graph) -> tuple[Op, ...] | UnreadableGraph:
    """The operators of one function."""
    if isinstance(model, UnreadableGraph):
        return model
    name = graph.entry or model.description.defaultFunctionName or "main"
    if name not in model.mlProgram.functions:
        return UnreadableGraph(f"{graph.file} has no function {name}; export it again")
    function = model.mlProgram.functions[name]
    if function.opset not in function.block_specializations:
        return UnreadableGraph(f"function {name} of {graph.file} has no body; export it again")
    reader = _Function(mil)
    reader.values |= {value.name: reader.tensor(value.type) for value in function.inputs}
    return tuple(reader.block(function.block_specializations[function.opset]))


class _Function:
    """The values of one function by name, and of constants what they hold."""

    def __init__(self, mil: Any) -> None:
        self._mil = mil
        self.values: dict[str, Tensor] = {}
        self._flags: dict[str, bool] = {}

    def block(self, block: Any, depth: int = 0) -> Iterator[Op]:
        """The operators of a block and of the blocks within."""
        for proto in block.operations:
            outputs = tuple(self.tensor(output.type) for output in proto.outputs)
            names = (output.name for output in proto.outputs)
            self.values |= dict(zip(names, outputs, strict=True))
            if proto.type.startswith(_CONSTANTS):
                self._keep(proto)
                continue
            yield self._op(proto, outputs)
            for inner in proto.blocks if depth < _DEEPEST else ():
                yield from self.block(inner, depth + 1)

    def tensor(self, kind: Any) -> Tensor:
        """What a value's declared type says."""
        if kind.WhichOneof("type") != "tensorType":
            return _UNKNOWN
        declared = kind.tensorType
        shape = tuple(
            dim.constant.size if dim.WhichOneof("dimension") == "constant" else None
            for dim in declared.dimensions
        )
        names = self._mil.DataType.DESCRIPTOR.values_by_number
        known = names[declared.dataType].name.lower() if declared.dataType in names else ""
        return Tensor(shape, known)

    def _keep(self, proto: Any) -> None:
        """Remember a constant that is true or false: such say which way round a product is."""
        value = proto.attributes.get("val")
        if value is not None and value.immediateValue.tensor.bools.values:
            self._flags[proto.outputs[0].name] = value.immediateValue.tensor.bools.values[0]

    def _op(self, proto: Any, outputs: tuple[Tensor, ...]) -> Op:
        """One operator."""
        given = {
            key: self._value(argument.arguments[0])
            for key, argument in proto.inputs.items()
            if argument.arguments
        }
        weight = given.get("weight", _UNKNOWN).shape if proto.type.startswith("conv") else None
        return Op(
            type=printable(proto.type),
            inputs=tuple(
                self._value(binding)
                for _, argument in sorted(proto.inputs.items())
                for binding in argument.arguments
            ),
            outputs=outputs,
            macs=self._macs(proto, given, outputs),
            kernel=() if weight is None else tuple(part or 0 for part in weight[2:]),
        )

    def _value(self, binding: Any) -> Tensor:
        """What an operator reads: a value by its name, or one that is written in place."""
        if binding.WhichOneof("binding") == "value":
            return self.tensor(binding.value.type)
        return self.values.get(binding.name, _UNKNOWN)

    def _flag(self, proto: Any, key: str) -> bool:
        """An argument that is true or false; False if it is not given."""
        if key not in proto.inputs or not proto.inputs[key].arguments:
            return False
        binding = proto.inputs[key].arguments[0]
        if binding.WhichOneof("binding") == "value":
            return any(binding.value.immediateValue.tensor.bools.values[:1])
        return self._flags.get(binding.name, False)

    def _macs(self, proto: Any, given: Mapping[str, Tensor], outputs: tuple[Tensor, ...]) -> int:
        """Multiply-adds of the operators that have most of them."""
        if not outputs:
            return 0
        if proto.type == "matmul":
            summed = -2 if self._flag(proto, "transpose_x") else -1
            return product(outputs[0], axis(given.get("x"), summed))
        if proto.type == "scaled_dot_product_attention":
            return 2 * product(outputs[0], axis(given.get("key"), -2))
        return _weighted(proto.type, given, outputs[0])


def _weighted(kind: str, given: Mapping[str, Tensor], output: Tensor) -> int:
    """Multiply-adds of the operators with weights of their own."""
    weight = given.get("weight", _UNKNOWN)
    window = size((weight.shape or ())[1:])
    if kind == "linear":
        return product(output, axis(weight, -1))
    if kind == "conv":
        return product(output, window)
    if kind == "conv_transpose":
        return product(given.get("x", _UNKNOWN), window)
    return 0


PART = read
