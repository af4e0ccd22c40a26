"""Ops as coremltools defines them: found by type and version, built, and their types inferred."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import (
    Function,
    InternalInputType,
    Operation,
    SSAOpRegistry,
    TupleInputType,
    Var,
    types,
)
from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MilTensorType

_BUILDING = threading.Lock()
"""coremltools keeps the function that is being built in a global stack."""


class Slot(Var):  # type: ignore[misc]  # coremltools has no types, so its class is Any
    """A value of a program where coremltools' ops look for it; `value` is None while there is none.

    A `fixed` value is known when the function is loaded and stays.
    """

    __slots__ = ("declared", "fixed", "value")

    def __init__(self, name: str, declared: MilTensorType, value: Any = None) -> None:
        self.declared = declared
        self.value = value
        self.fixed = value is not None
        super().__init__(name, declared.builtin)
        self.is_descendant_of_const = self.fixed  # type: ignore[misc]  # a slot of Var

    @property
    def sym_val(self) -> Any:
        """What coremltools calls a value that may have symbols; ours have none."""
        return self.value

    @property
    def val(self) -> Any:
        """The value."""
        return self.value

    def _adjust_sym_val(self) -> None:
        """Nothing: `value` has its type."""

    def add_child_op(self, new_op: Operation) -> None:
        """Nothing: a value that knew its readers would keep a released function in memory."""

    def fix(self, value: Any) -> None:
        """Set the value once and for all."""
        self.value, self.fixed = value, True
        self.is_descendant_of_const = True  # type: ignore[misc]  # a slot of Var


@contextlib.contextmanager
def building(version: int) -> Iterator[None]:
    """Build the ops of one function inside this block; one thread at a time."""
    with _BUILDING, Function({}, opset_version=version):
        yield


def op_class(op_type: str, version: int) -> type[Operation]:
    """The class of an op in the newest definition up to `version`; raises EngineError."""
    found = SSAOpRegistry.core_ops.get(op_type, {})
    fitting = [target for target in found if target <= version]
    if not fitting:
        raise EngineError("coremltools does not know this op in the program's version")
    kind: type[Operation] = found[max(fitting)]
    return kind


def build(
    kind: type[Operation], name: str, inputs: Mapping[str, Sequence[Slot]]
) -> tuple[Operation, list[Any]]:
    """An op over its inputs, and the types that coremltools infers for its outputs."""
    operation = kind(
        name=name,
        enclosing_block=None,
        scopes={},
        **{key: _argument(kind, key, slots) for key, slots in inputs.items()},
    )
    _add_defaults(operation)
    inferred = operation.type_inference()
    return operation, list(inferred) if isinstance(inferred, tuple) else [inferred]


def require_type(inferred: Any, declared: MilTensorType) -> None:
    """Refuse a declared type that is not what coremltools infers; symbols fit every size."""
    tensor = types.is_tensor(inferred)
    shape = tuple(inferred.get_shape()) if tensor else ()
    element = inferred.get_primitive() if tensor else inferred
    sizes = [size if isinstance(size, int | float | np.number) else None for size in shape]
    fits = len(sizes) == len(declared.shape) and all(
        size in (None, wanted) for size, wanted in zip(sizes, declared.shape, strict=True)
    )
    if not fits or element is not declared.element:
        raise EngineError(
            f"it yields {types.builtin_to_string(element)} {list(shape)}, but the program "
            f"declares {declared}"
        )


def _argument(kind: type[Operation], key: str, slots: Sequence[Slot]) -> Any:
    """What an op takes for one of its inputs; raises EngineError if it has no such input."""
    if key not in kind.input_spec.input_types:
        raise EngineError(f"it has an input {key!r} that the op does not take")
    if isinstance(kind.input_spec.input_types[key], TupleInputType):
        return list(slots)
    if len(slots) != 1:
        raise EngineError(f"its input {key!r} has {len(slots)} values; expected one")
    return slots[0]


def _add_defaults(operation: Operation) -> None:
    """Give an op the defaults of the inputs that the program leaves out."""
    for key, value in operation.default_inputs().items():
        kind = operation.input_spec.input_types.get(key)
        absent = getattr(operation, key, None) is None
        if value is None or not absent or kind is None or isinstance(kind, InternalInputType):
            continue
        slot = value if isinstance(value, Var) else _default(key, value)
        setattr(operation, key, slot)
        operation._input_vars[key] = slot


def _default(name: str, value: Any) -> Slot:
    """A slot with a default, which coremltools gives as a Python value."""
    if isinstance(value, str):
        return Slot(name, MilTensorType((), types.str), value)
    array = np.asarray(value)
    array = array.astype({"b": np.bool_, "i": np.int32}.get(array.dtype.kind, np.float32))
    element = {"b": types.bool, "i": types.int32}.get(array.dtype.kind, types.fp32)
    return Slot(name, MilTensorType(array.shape, element), array if array.shape else array[()])
