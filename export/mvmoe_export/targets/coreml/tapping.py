"""A copy of an ML Program that also gives values from its inside."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.runtime.runners.coreml_reference.package import open_package
from mvmoe_export.graph_taps import EngineOperator
from mvmoe_export.targets.coreml.constants import body
from mvmoe_export.targets.coreml.toolkit import FeatureTypes_pb2, MIL_pb2, Model_pb2

_PACKAGE = "tapped.mlpackage"
_ARRAYS = FeatureTypes_pb2.ArrayFeatureType
_TYPES: Mapping[int, tuple[manifest.DType, int]] = {
    MIL_pb2.FLOAT32: ("float32", _ARRAYS.FLOAT32),
    MIL_pb2.FLOAT16: ("float16", _ARRAYS.FLOAT16),
}
"""By MIL's number of a type: its name, and the number that a model's description has for it."""

_CONSTANTS = ("const", "constexpr_")
"""Prefixes of operators that hold weights."""

_MOVES = frozenset(
    {"reshape", "transpose", "squeeze", "expand_dims", "identity", "split", "slice_by_index"}
    | {"slice_by_size", "concat", "stack", "cast", "gather", "gather_along_axis", "tile"}
)
_ADD_BIAS = frozenset({"linear", "conv", "conv_transpose"})


class CoreMLTap:
    """One function of an ML Program; a copy gives each value through an `identity` of its own."""

    def __init__(self, root: Path, graph: manifest.Graph) -> None:
        self._record = graph
        self._package = open_package(root / graph.file)
        model = self._package.model
        self._function = graph.entry or model.description.defaultFunctionName or "main"
        if self._function not in model.mlProgram.functions:
            raise BundleError(
                f"{graph.file} has no function {self._function}; export it again",
                file=graph.file,
                name=self._function,
            )

    @cached_property
    def operators(self) -> tuple[EngineOperator, ...]:
        """Its ops, but for constants."""
        return tuple(
            EngineOperator(
                kind=op.type,
                takes=tuple(_read(op)),
                gives=tuple(value.name for value in op.outputs),
                moves=op.type in _MOVES,
                adds_bias=op.type in _ADD_BIAS,
            )
            for op in self._ops(self._package.model)
        )

    @cached_property
    def values(self) -> Mapping[str, manifest.TensorSpec]:
        """Those of a floating-point type with at least one axis."""
        declared = [value for op in self._ops(self._package.model) for value in op.outputs]
        return {
            value.name: manifest.TensorSpec(
                name=f"tap_{number}",
                shape=tuple(size.constant.size for size in value.type.tensorType.dimensions),
                dtype=_TYPES[value.type.tensorType.dataType][0],
            )
            for number, value in enumerate(declared)
            if _can_be_given(value.type)
        }

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs have the names of their values."""
        return tuple(spec.name for spec in self._record.inputs)

    @property
    def outputs(self) -> Mapping[str, str]:
        """Outputs have the names of their values."""
        return {spec.name: spec.name for spec in self._record.outputs}

    def write(self, folder: Path, values: Sequence[str]) -> manifest.Graph:
        """Write `tapped.mlpackage` with this function alone."""
        source = self._package
        copy = folder / _PACKAGE
        shutil.copytree(source.path, copy, copy_function=_linked)
        model = Model_pb2.Model()
        model.CopyFrom(source.model)
        for name in [name for name in model.mlProgram.functions if name != self._function]:
            del model.mlProgram.functions[name]
        self._add(model, values)
        (path,) = (copy / source.folder.relative_to(source.path)).glob("*.mlmodel")
        path.unlink()  # It may be the bundle's own file under a second name.
        path.write_bytes(model.SerializeToString())
        outputs = (*self._record.outputs, *(self.values[name] for name in values))
        return msgspec.structs.replace(self._record, file=_PACKAGE, outputs=outputs)

    def _ops(self, model: Any) -> Iterator[Any]:
        """The ops of the function that compute."""
        for op in body(model.mlProgram.functions[self._function]).operations:
            if not op.type.startswith(_CONSTANTS):
                yield op

    def _add(self, model: Any, values: Sequence[str]) -> None:
        """Let the function give values, and its description say so."""
        block = body(model.mlProgram.functions[self._function])
        types = {value.name: value.type for op in self._ops(model) for value in op.outputs}
        description = model.description
        if description.functions:
            (kept,) = (one for one in description.functions if one.name == self._function)
            description = Model_pb2.FunctionDescription()
            description.CopyFrom(kept)
        for value in values:
            spec = self.values[value]
            op = block.operations.add(type="identity")
            op.inputs["x"].arguments.add(name=value)
            op.outputs.add(name=spec.name).type.CopyFrom(types[value])
            block.outputs.append(spec.name)
            array = description.output.add(name=spec.name).type.multiArrayType
            array.shape.extend(spec.shape)
            array.dataType = _TYPES[types[value].tensorType.dataType][1]
        if description is not model.description:
            del model.description.functions[:]
            model.description.functions.append(description)
            model.description.defaultFunctionName = self._function


def _can_be_given(kind: Any) -> bool:
    """Whether a value of this type can be an output of a model."""
    declared = kind.tensorType
    return bool(declared.dataType in _TYPES and 0 < declared.rank <= 5)


def _read(op: Any) -> Iterator[str]:
    """The names of the values that an op reads."""
    for _, argument in sorted(op.inputs.items()):
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name":
                yield binding.name


def _linked(source: str, copy: str) -> None:
    """A second name for a file, or a copy where the file system has none."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)
