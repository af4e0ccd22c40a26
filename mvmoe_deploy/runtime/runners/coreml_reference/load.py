"""From a `.mlpackage` to a function that runs: its ops in order, checked against their types."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.errors import BundleError, EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.blobs import Blobs
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import (
    OPSETS,
    AvailableTarget,
    MIL_pb2,
)
from mvmoe_deploy.runtime.runners.coreml_reference.function import MilFunction, Step, evaluate
from mvmoe_deploy.runtime.runners.coreml_reference.kernels import REGISTRY, Kernel, own_semantics
from mvmoe_deploy.runtime.runners.coreml_reference.operations import (
    Slot,
    build,
    building,
    op_class,
    require_type,
)
from mvmoe_deploy.runtime.runners.coreml_reference.package import Package, open_package
from mvmoe_deploy.runtime.runners.coreml_reference.printable import one_line, printable_name
from mvmoe_deploy.runtime.runners.coreml_reference.program_constants import constant
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MilTensorType, tensor_type

_VERSIONS = {name: AvailableTarget(version) for version, name in OPSETS.items()}
_MOST_BYTES = 1 << 30
_SPARSEST = 8
"""Elements that a byte of a package can stand for: a palette of two values takes a bit each."""


def load_function(package: Path, function: str | None = None) -> MilFunction:
    """A function of the `.mlpackage` at `package`; None is the one it runs by default.

    Raises BundleError if the package's form is wrong, EngineError for a program that is damaged or
    has something that is not evaluated.
    """
    opened = open_package(package)
    described, name = _description(opened, function)
    program = opened.model.mlProgram
    if name not in program.functions:
        raise EngineError(
            f"{package} has no function {name!r}; it has {_listed(program.functions)}",
            name=name,
            found=list(program.functions),
        )
    try:
        loaded = _FunctionLoader(opened, name).load(program.functions[name])
    except EngineError as error:
        raise error.within(f"function {name} of {package}") from error
    _require_described(loaded, described, package)
    return loaded


def _description(package: Package, function: str | None) -> tuple[Any, str]:
    """What the model says of a function's inputs and outputs, and its name."""
    description = package.model.description
    name = function or description.defaultFunctionName or "main"
    if not description.functions:
        return description, name
    for described in description.functions:
        if described.name == name:
            return described, name
    raise EngineError(
        f"{package.path} has no function {name!r}; it has "
        f"{_listed(described.name for described in description.functions)}",
        name=name,
        found=[described.name for described in description.functions],
    )


def _require_described(function: MilFunction, described: Any, package: Path) -> None:
    """Refuse a program whose inputs and outputs are not the model's."""
    for kind, features, found in (
        ("inputs", described.input, function.inputs),
        ("outputs", described.output, function.outputs),
    ):
        names = [feature.name for feature in features]
        if sorted(names) != sorted(found):
            raise BundleError(
                f"the model of {package} has the {kind} {one_line(names)}, but its program "
                f"{one_line(list(found))}; export the bundle again"
            )
    if described.state:
        raise EngineError(
            f"function {function.name} of {package} has state, which is not supported"
        )


class _FunctionLoader:
    """The state of loading one function: its values by name and what they cost."""

    def __init__(self, package: Package, name: str) -> None:
        self._name = name
        self._blobs = Blobs(package.path, package.folder)
        self._slots: dict[str, Slot] = {}
        self._steps: list[Step] = []
        self._fixed = 0
        # A small model may have constants that stand for many zeros; a large one has its weights.
        expected = _SPARSEST * (package.model.ByteSize() + _file_bytes(package)) + (1 << 22)
        self._most_fixed = min(expected, _MOST_BYTES // 4)

    def load(self, proto: Any) -> MilFunction:
        """The function of its protobuf."""
        block = _block(proto)
        inputs = {value.name: tensor_type(value.type) for value in proto.inputs}
        for name, type_ in inputs.items():
            self._add(Slot(name, type_))
        with building(_VERSIONS[proto.opset]), np.errstate(all="ignore"):
            for operation in block.operations:
                self._load_operation(operation, _VERSIONS[proto.opset])
        outputs = self._outputs(block)
        function = MilFunction(
            self._name, [self._slots[name] for name in inputs], outputs, self._steps
        )
        if function.most_bytes + 4 * self._fixed > _MOST_BYTES:
            raise EngineError(
                f"it needs {function.most_bytes + 4 * self._fixed} bytes; at most {_MOST_BYTES} "
                "are allowed",
                expected=_MOST_BYTES,
            )
        return function

    def _outputs(self, block: Any) -> list[Slot]:
        """The values that the function gives."""
        missing = [name for name in block.outputs if name not in self._slots]
        if missing or not block.outputs:
            raise EngineError(f"its outputs {missing} are values that it does not have")
        return [self._slots[name] for name in block.outputs]

    def _load_operation(self, proto: Any, version: int) -> None:
        """Add one op; errors name it."""
        name = proto.outputs[0].name if proto.outputs else "no output"
        try:
            if proto.blocks:
                raise EngineError("it has nested blocks, which are not supported")
            if proto.type == "const":
                self._load_constant(proto)
            else:
                self._load_computed(proto, name, version)
        except BundleError:
            raise
        except Exception as error:  # coremltools raises whatever it likes on wrong inputs.
            known = error.fields if isinstance(error, EngineError) else {}
            raise EngineError(
                f"op {printable_name(proto.type)} ({printable_name(name)}): {one_line(error)}",
                code="engine.failed",
                **known | {"operator": proto.type},
            ) from error

    def _load_constant(self, proto: Any) -> None:
        """A constant of the program."""
        if proto.inputs or len(proto.outputs) != 1 or "val" not in proto.attributes:
            raise EngineError("a constant has inputs, or not one value and one output")
        stored, value = constant(proto.attributes["val"], self._blobs)
        declared = tensor_type(proto.outputs[0].type)
        if stored != declared:
            raise EngineError(f"it holds {stored}, but the program declares {declared}")
        self._count(stored)
        self._add(Slot(proto.outputs[0].name, stored, value))

    def _load_computed(self, proto: Any, name: str, version: int) -> None:
        """An op that computes; one whose inputs are all constants is computed now."""
        kind = op_class(proto.type, version)
        kernel = _kernel(proto.type, kind)
        inputs = dict(self._arguments(proto))
        operation, inferred = build(kind, name, inputs)
        outputs = [Slot(value.name, tensor_type(value.type)) for value in proto.outputs]
        if len(inferred) != len(outputs):
            raise EngineError(f"it has {len(outputs)} outputs where {len(inferred)} are expected")
        for type_, slot in zip(inferred, outputs, strict=True):
            require_type(type_, slot.declared)
            self._add(slot)
        operation._output_vars = outputs
        read = [slot for slots in inputs.values() for slot in slots]
        step = Step(
            proto.type, operation, kernel, outputs, [slot for slot in read if not slot.fixed]
        )
        if all(slot.fixed for slot in read):
            for slot in outputs:
                self._count(slot.declared)
            for slot, value in zip(outputs, evaluate(step), strict=True):
                slot.fix(value)
        else:
            self._steps.append(step)

    def _arguments(self, proto: Any) -> Iterator[tuple[str, list[Slot]]]:
        """The inputs of an op by name: values before it, or constants that it holds itself."""
        for key, argument in proto.inputs.items():
            yield key, [self._bound(key, binding) for binding in argument.arguments]
        for key, value in proto.attributes.items():
            if key != "name":
                yield key, [self._literal(key, value)]

    def _bound(self, key: str, binding: Any) -> Slot:
        """The value that a binding means."""
        if binding.WhichOneof("binding") == "value":
            return self._literal(key, binding.value)
        if binding.name not in self._slots:
            raise EngineError(f"its input {key!r} is {binding.name!r}, which no op before it gives")
        return self._slots[binding.name]

    def _literal(self, key: str, value: Any) -> Slot:
        """A constant without a name."""
        type_, array = constant(value, self._blobs)
        self._count(type_)
        return Slot(key, type_, array)

    def _count(self, type_: MilTensorType) -> None:
        """Count a value that stays; raises EngineError if there are too many."""
        self._fixed += type_.size
        if self._fixed > self._most_fixed:
            raise EngineError(
                f"the constants have more than {self._most_fixed} elements, which is more than the "
                "files of the package can hold, or more than is allowed",
                expected=self._most_fixed,
            )

    def _add(self, slot: Slot) -> None:
        """Give a value its name, which no other has."""
        if slot.name in self._slots:
            raise EngineError(f"two values are called {slot.name!r}")
        self._slots[slot.name] = slot


def _block(proto: Any) -> MIL_pb2.Block:
    """The body of a function."""
    if proto.opset not in _VERSIONS or proto.opset not in proto.block_specializations:
        raise EngineError(
            f"it is written for {proto.opset!r}; expected one of {', '.join(_VERSIONS)} with a body"
        )
    block = proto.block_specializations[proto.opset]
    if block.inputs:
        raise EngineError("its body has inputs of its own, which are not supported")
    return block


def _kernel(op_type: str, kind: Any) -> Kernel:
    """What computes an op; raises EngineError for one that is not evaluated."""
    kernel = REGISTRY.get(op_type) or own_semantics(kind)
    if kernel is None:
        raise EngineError(
            "this op is not evaluated here; add it to the kernels of coreml_reference",
            found="no kernel",
        )
    return kernel


def _listed(names: Iterable[str]) -> str:
    """Names out of a program, for people."""
    return one_line(", ".join(map(printable_name, sorted(names))))


def _file_bytes(package: Package) -> int:
    """The bytes of all files beside the model that weights may be in."""
    return sum(file.lstat().st_size for file in package.folder.rglob("*") if file.is_file())
