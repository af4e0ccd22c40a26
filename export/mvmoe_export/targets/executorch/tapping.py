"""A copy of a method of a `.pte` that also gives values from its inside.

Values between kernels get memory of their own; values inside of a piece that XNNPACK runs become
outputs of the piece. Its nodes stay the same, so what the copy gives is what the method computes.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from executorch.exir._serialize._named_data_store import NamedDataStoreOutput
from executorch.exir._serialize._program import (
    PTEFile,
    deserialize_pte_binary,
    serialize_pte_binary,
)
from executorch.exir.scalar_type import ScalarType
from executorch.exir.schema import (
    AllocationDetails,
    DataLocation,
    DelegateCall,
    EValue,
    ExecutionPlan,
    KernelCall,
    Tensor,
    TensorList,
    TensorShapeDynamism,
)

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.integrity import plain_file
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.runtime.runners.executorch.runner import BACKENDS
from mvmoe_export.graph_taps import EngineOperator
from mvmoe_export.targets.executorch.payloads import Payload

_FILE = "tapped.pte"
_ALIGNMENT = 16
_MEMORY = 1
"""The memory that a method plans for its own values."""

_DTYPES: Mapping[ScalarType, manifest.DType] = {
    ScalarType.FLOAT: "float32",
    ScalarType.HALF: "float16",
}
_SCALARS = {name: scalar for scalar, name in _DTYPES.items()}

_MOVES = frozenset(
    {"XNNStaticReshape", "XNNStaticTranspose", "XNNStaticSlice", "XNNCopy", "XNNConvert"}
    | {f"XNNConcatenate{count}" for count in range(2, 6)}
    | {"view_copy", "permute_copy", "transpose_copy", "slice_copy", "select_copy", "clone", "cat"}
    | {"et_view", "expand_copy", "unsqueeze_copy", "squeeze_copy", "split_copy", "t_copy"}
    | {"split_with_sizes_copy", "_to_dim_order_copy", "_clone_dim_order", "alias_copy"}
)
_ADD_BIAS = frozenset(
    {"XNNFullyConnected", "XNNConv2d", "XNNDepthwiseConv2d", "XNNConvTranspose2d"}
    | {"addmm", "linear", "convolution"}
)


class ExecuTorchTap:
    """One method."""

    def __init__(self, root: Path, graph: manifest.Graph) -> None:
        self._record = graph
        try:
            self._file = deserialize_pte_binary(plain_file(root, graph.file).read_bytes())
        except (BundleError, OSError):
            raise
        except Exception as error:  # It raises whatever a damaged file leads it to.
            raise BundleError(
                f"{graph.file} cannot be looked into ({type(error).__name__}); export it again",
                file=graph.file,
            ) from error
        name = graph.entry or graph.name
        plans = {plan.name: plan for plan in self._file.program.execution_plan}
        if name not in plans:
            raise BundleError(
                f"{graph.file} has no method {name}; export it again", file=graph.file, name=name
            )
        self._plan: ExecutionPlan = plans[name]

    @cached_property
    def operators(self) -> tuple[EngineOperator, ...]:
        """The nodes of XNNPACK's pieces, and the kernels between them."""
        return tuple(operator for call in self._calls() for operator in self._run(call))

    @cached_property
    def values(self) -> Mapping[str, manifest.TensorSpec]:
        """What nodes and kernels make, in memory that is a plain array."""
        kept = set(self.outputs.values())
        made = [name for operator in self.operators for name in operator.gives]
        found = {name: self._described(name) for name in made if name not in kept}
        return {
            name: manifest.TensorSpec(name=f"tap_{number}", shape=shape, dtype=dtype)
            for number, (name, (shape, dtype)) in enumerate(found.items())
            if dtype is not None and len(shape) <= 8
        }

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs go by position."""
        return tuple(map(_value, self._plan.inputs))

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """Outputs go by position."""
        pairs = zip(self._record.outputs, self._plan.outputs, strict=True)
        return {spec.name: _value(index) for spec, index in pairs}

    def write(self, folder: Path, values: Sequence[str]) -> manifest.Graph:
        """Write `tapped.pte` with this method alone."""
        file = _with_one_plan(self._file, self._plan, self._constants())
        plan: ExecutionPlan = file.program.execution_plan[0]
        inner: dict[int, list[int]] = {}
        places: dict[str, int] = {}
        for name in values:
            delegate, value = _parsed(name)
            if delegate is None:
                plan.values[value].val.allocation_info = _room(plan, self.values[name])
                places[name] = value
            else:
                inner.setdefault(delegate, []).append(value)
                places[name] = _new_value(plan, self.values[name])
        for delegate, ids in inner.items():
            data = self._payloads[delegate].with_outputs(ids)
            reference = plan.delegates[delegate].processed
            file.program.backend_delegate_data[reference.index].data = data
            added = [places[_inner(delegate, value)] for value in ids]
            for call in self._calls(plan):
                if isinstance(call, DelegateCall) and call.delegate_index == delegate:
                    call.args.extend(added)
        plan.outputs.extend(places[name] for name in values)
        data = serialize_pte_binary(file, extract_delegate_segments=True)
        (folder / _FILE).write_bytes(bytes(data))
        outputs = (*self._record.outputs, *(self.values[name] for name in values))
        return msgspec.structs.replace(self._record, file=_FILE, outputs=outputs)

    def _calls(self, plan: ExecutionPlan | None = None) -> Iterator[Any]:
        """What a method runs, in order."""
        for chain in (plan or self._plan).chains:
            for instruction in chain.instructions:
                yield instruction.instr_args

    @cached_property
    def _payloads(self) -> dict[int, Payload]:
        """XNNPACK's pieces by their numbers."""
        data = self._file.program.backend_delegate_data
        return {
            number: Payload(bytes(data[delegate.processed.index].data))
            for number, delegate in enumerate(self._plan.delegates)
            if delegate.id == BACKENDS["xnnpack"]
            and delegate.processed.location == DataLocation.INLINE
        }

    def _constants(self) -> set[str]:
        """The names of all data that the method's pieces read."""
        return {key for payload in self._payloads.values() for key in payload.constants}

    def _run(self, call: Any) -> Iterator[EngineOperator]:
        """The operators of one call."""
        if isinstance(call, KernelCall):
            *given, made = self._tensors(call.args)  # The results are named once more, last.
            operator = self._plan.operators[call.op_index].name.split("::")[-1]
            yield _operator(operator, [n for part in given for n in part if n not in made], made)
        elif isinstance(call, DelegateCall) and call.delegate_index in self._payloads:
            yield from self._inside(call)
        elif isinstance(call, DelegateCall):
            kind = self._plan.delegates[call.delegate_index].id
            names = [name for part in self._tensors(call.args) for name in part]
            yield EngineOperator(kind, tuple(names), tuple(names))

    def _inside(self, call: DelegateCall) -> Iterator[EngineOperator]:
        """The nodes of one piece, with the caller's values for what it takes and gives."""
        payload = self._payloads[call.delegate_index]
        outer = dict(zip([*payload.inputs, *payload.outputs], call.args, strict=True))

        def name(value: int) -> str:
            return _value(outer[value]) if value in outer else _inner(call.delegate_index, value)

        for kind, read, made in payload.nodes():
            yield _operator(kind, [*map(name, read)], [*map(name, made)])

    def _tensors(self, args: Sequence[int]) -> list[list[str]]:
        """The tensors of each argument that has some."""
        found = []
        for index in args:
            value = self._plan.values[index].val
            if isinstance(value, Tensor):
                found.append([_value(index)])
            elif isinstance(value, TensorList):
                found.append([*map(_value, value.items)])
        return found

    def _described(self, name: str) -> tuple[tuple[int, ...], manifest.DType | None]:
        """Shape and type of a value; no type for one that cannot be given."""
        delegate, value = _parsed(name)
        if delegate is not None:
            payload = self._payloads[delegate]
            dtype = payload.dtype(value)
            return payload.shape(value), next((d for d in _SCALARS if d == dtype), None)
        tensor = self._plan.values[value].val
        plain = tensor.allocation_info is not None
        plain = plain and list(tensor.dim_order) == sorted(tensor.dim_order)
        return tuple(tensor.sizes), _DTYPES.get(tensor.scalar_type) if plain else None


def _operator(kind: str, takes: Sequence[str], gives: Sequence[str]) -> EngineOperator:
    return EngineOperator(
        kind, tuple(takes), tuple(gives), moves=kind in _MOVES, adds_bias=kind in _ADD_BIAS
    )


def _value(index: int) -> str:
    """The name of a value between calls."""
    return f"value {index}"


def _inner(delegate: int, value: int) -> str:
    """The name of a value inside of a piece."""
    return f"piece {delegate} value {value}"


def _parsed(name: str) -> tuple[int | None, int]:
    """The number of the piece that a value is inside of, None if it is in none, and its own."""
    words = name.split()
    return (int(words[1]) if len(words) > 2 else None), int(words[-1])


def _with_one_plan(file: PTEFile, plan: ExecutionPlan, constants: set[str]) -> PTEFile:
    """A copy of a file that has one method, and of the named data only what that reads."""
    kept = None
    if file.named_data is not None:
        buffers: list[bytes] = []
        entries = {}
        for key, entry in file.named_data.pte_data.items():
            if key in constants:
                entries[key] = type(entry)(len(buffers), entry.alignment, entry.tensor_layout)
                buffers.append(file.named_data.buffers[entry.buffer_index])
        kept = NamedDataStoreOutput(buffers, entries, {})
    program = copy.copy(file.program)
    program.execution_plan = [alone := copy.deepcopy(plan)]
    pieces = [delegate.processed for delegate in alone.delegates]
    data = [copy.copy(program.backend_delegate_data[piece.index]) for piece in pieces]
    program.backend_delegate_data = data
    for number, piece in enumerate(pieces):
        piece.index = number
    return PTEFile(program=program, mutable_data=file.mutable_data, named_data=kept)


def _new_value(plan: ExecutionPlan, spec: manifest.TensorSpec) -> int:
    """Add a tensor to a method; gives its number."""
    plan.values.append(
        EValue(
            Tensor(
                scalar_type=_SCALARS[spec.dtype],
                storage_offset=0,
                sizes=list(spec.shape),
                dim_order=list(range(len(spec.shape))),
                requires_grad=False,
                layout=0,
                data_buffer_idx=0,
                allocation_info=_room(plan, spec),
                shape_dynamism=TensorShapeDynamism.STATIC,
            )
        )
    )
    return len(plan.values) - 1


def _room(plan: ExecutionPlan, spec: manifest.TensorSpec) -> AllocationDetails:
    """Memory at the end of what a method plans, for one tensor alone."""
    size = 4
    for axis in spec.shape:
        size *= axis
    sizes = plan.non_const_buffer_sizes
    while len(sizes) <= _MEMORY:
        sizes.append(0)
    start = -(-sizes[_MEMORY] // _ALIGNMENT) * _ALIGNMENT
    sizes[_MEMORY] = start + size
    return AllocationDetails(_MEMORY, start % 2**32, start // 2**32)
