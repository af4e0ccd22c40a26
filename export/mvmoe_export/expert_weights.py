"""The weights that graphs take as inputs, each expert's in one range of a file.

Gathered graph by graph while a target writes them, laid out when all are known. What two inputs
hold for every expert alike is one tensor: an expert has the same weights at every place of a route.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.bound_weights import stored_bytes
from mvmoe_deploy.bundle.manifest import BoundInput, ExpertWeights, StoredTensor, TensorSpec
from mvmoe_export.compression.contract import Number
from mvmoe_export.programs import BoundSlot
from mvmoe_export.weight_file import WeightFile

Contents = Mapping[str, np.ndarray]
"""What some inputs hold, by their names."""


class BoundRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest says of bound weights."""

    graphs: dict[str, dict[str, BoundInput]] = {}
    """For each graph by name what its inputs are."""
    inputs: dict[str, tuple[TensorSpec, ...]] = {}
    """For each graph by name these inputs, in order."""
    experts: tuple[tuple[ExpertWeights, ...], ...] = ()
    """For each routed stage the weights of its experts."""

    def read_bytes(self, graph: str) -> int:
        """The bytes of the weights that a graph takes for one route."""
        return sum(stored_bytes(spec) for spec in self.inputs.get(graph, ()))

    @property
    def expert_bytes(self) -> tuple[tuple[int, ...], ...]:
        """The bytes of each expert's weights, what lies between them left out."""
        return tuple(tuple(map(_distinct_bytes, row)) for row in self.experts)


@dataclass
class _Input:
    """An input of one graph: by expert the hash of what it holds."""

    graph: str
    slot: BoundSlot
    spec: TensorSpec
    contents: dict[int, bytes] = field(default_factory=dict)


@dataclass
class ExpertFile:
    """Gathers the weights of the experts of all stages of one target."""

    experts: Sequence[int]
    """How many experts each routed stage has; none if the strategy does not bind weights."""
    number: Number = "float32"
    """The type of their numbers in the file."""
    _inputs: dict[int, list[_Input]] = field(default_factory=lambda: defaultdict(list))
    _arrays: dict[bytes, np.ndarray] = field(default_factory=dict)

    def add(
        self,
        stage: int,
        graph: str,
        slots: Iterable[BoundSlot],
        fillings: Iterable[tuple[int, Contents]],
    ) -> None:
        """Take what the inputs `slots` of a graph hold, for experts at one place of the route each.

        `fillings` are experts' numbers with the contents of the inputs of one place.
        """
        found: dict[str, _Input] = {}
        slot_of = {slot.name: slot for slot in slots}
        for expert, contents in fillings:
            for name, given in contents.items():
                floating = given.dtype.kind == "f"
                array = given.astype(self.number, copy=False) if floating else given
                if name not in found:
                    found[name] = _Input(graph, slot_of[name], _spec(name, array))
                key = _hash(array)
                self._arrays.setdefault(key, array)
                found[name].contents[expert] = key
        self._inputs[stage] += [found[name] for name in slot_of]

    def write(self, file: WeightFile) -> BoundRecords:
        """Append the range of every expert; raises OSError when the disk refuses."""
        graphs: dict[str, dict[str, BoundInput]] = defaultdict(dict)
        specs: dict[str, list[TensorSpec]] = defaultdict(list)
        rows = []
        for stage, experts in enumerate(self.experts, start=1):
            tensors = _Tensors()
            for taken in self._inputs[stage]:
                bound = BoundInput(place=taken.slot.place, tensor=tensors.name(taken))
                graphs[taken.graph][taken.slot.name] = bound
                specs[taken.graph].append(taken.spec)
            rows.append(
                tuple(self._write(file, tensors.of_expert(expert)) for expert in range(experts))
            )
        return BoundRecords(
            graphs=dict(graphs),
            inputs={graph: tuple(found) for graph, found in specs.items()},
            experts=tuple(rows),
        )

    def _write(self, file: WeightFile, tensors: Mapping[str, bytes]) -> ExpertWeights:
        """The range of one expert; of one that has no weights of its own, an empty one."""
        distinct = list(dict.fromkeys(tensors.values()))
        if not distinct:
            return ExpertWeights(offset=0, bytes=0, tensors={})
        whole, places = file.add_range([self._arrays[key] for key in distinct])
        place_of = dict(zip(distinct, places, strict=True))
        return ExpertWeights(
            offset=whole.offset,
            bytes=whole.length,
            tensors={
                name: StoredTensor(
                    offset=place_of[key].offset,
                    shape=self._arrays[key].shape,
                    dtype=_spec(name, self._arrays[key]).dtype,
                )
                for name, key in tensors.items()
            },
        )


def _distinct_bytes(expert: ExpertWeights) -> int:
    """The bytes of an expert's tensors, each place once."""
    sizes = {stored.offset: stored_bytes(stored) for stored in expert.tensors.values()}
    return sum(sizes.values())


class _Tensors:
    """Names for what inputs of one stage hold."""

    def __init__(self) -> None:
        self._names: dict[tuple[tuple[int, bytes], ...], str] = {}

    def name(self, taken: _Input) -> str:
        """The tensor that an input is: that of an earlier one that holds the same."""
        key = tuple(sorted(taken.contents.items()))
        if key not in self._names:
            own = taken.slot.name.removeprefix(f"place{taken.slot.place}_")
            name, count = own, 0
            while name in self._names.values():
                name, count = f"{own}_{count}", count + 1
            self._names[key] = name
        return self._names[key]

    def of_expert(self, expert: int) -> dict[str, bytes]:
        """The tensors of one expert, by hash, in the order in which they were named."""
        held = {name: dict(key) for key, name in self._names.items()}
        return {name: keys[expert] for name, keys in held.items() if expert in keys}


def _spec(name: str, array: np.ndarray) -> TensorSpec:
    kind = msgspec.convert(str(array.dtype), manifest.DType)
    return TensorSpec(name=name, shape=array.shape, dtype=kind)


def _hash(array: np.ndarray) -> bytes:
    """What tells a content from others of any shape and type."""
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).data.cast("B") if array.size else b"")
    return digest.digest()
