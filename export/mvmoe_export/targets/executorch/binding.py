"""From one lowered structure to every graph that has it: only the names of weights change.

Before:  payload[key of made-up weight] + {key: made-up bytes}
After:   payload[key of real weight]    + {key: real bytes}

XNNPACK's payload names its constants by the SHA-256 of their bytes and keeps the bytes beside it.
A made-up weight is unlike every other, so its key says which slot it came from. Scales of whole
numbers are named so too, behind a word that says what they are.
"""

import copy
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import torch
from executorch.exir._serialize._named_data_store import NamedDataStore
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch import Tensor
from torch.export import ExportedProgram

_SCALE = "scale_"
"""Before the keys of scales."""

PackedBeside = Mapping[str, Sequence[str]]
"""For each slot of whole numbers those of what is packed with them: scales, steps."""


class Encoding(NamedTuple):
    """How a delegate stores a weight."""

    stored: Callable[[Tensor], Tensor]
    prefix: str = ""
    """Before the SHA-256 of the bytes in the key."""

    def bytes_of(self, weight: Tensor) -> bytes:
        """What is stored of a weight."""
        return _bytes(self.stored(weight))

    def key(self, data: bytes) -> str:
        """The key of what is stored."""
        return self.prefix + hashlib.sha256(data).hexdigest()


def _two_in_a_byte(whole: Tensor) -> Tensor:
    """Whole numbers of -8 to 7 with 8 added, of each two that follow the first in the low bits."""
    first, second = (whole.to(torch.uint8) + 8).reshape(-1, 2).unbind(1)
    return first | second << 4


_ENCODINGS = (
    Encoding(lambda weight: weight),
    Encoding(
        lambda weight: weight.permute(0, *range(2, weight.ndim), 1) if weight.ndim > 2 else weight
    ),
    Encoding(lambda weight: weight.transpose(0, 1) if weight.ndim > 1 else weight),
    Encoding(
        lambda weight: weight.permute(1, *range(2, weight.ndim), 0) if weight.ndim > 2 else weight
    ),
)
"""As it is; channels last, as convolutions want it; turned; a depthwise one channels last."""

_PACKED = Encoding(_two_in_a_byte)
_SCALES = (
    Encoding(lambda weight: weight, _SCALE),
    Encoding(lambda weight: weight.to(torch.bfloat16), _SCALE),
)


def _encodings(weight: Tensor) -> Iterator[Encoding]:
    """All in which a delegate may store a weight, the most likely one first."""
    yield from _ENCODINGS
    if weight.dtype == torch.int8 and weight.numel() % 2 == 0:
        yield _PACKED
    if weight.is_floating_point() and weight.ndim <= 2:
        yield from _SCALES


class _Source(NamedTuple):
    """Where the bytes under a key come from."""

    slot: str
    encoding: Encoding


class WholeNumberKeys:
    """The keys of whole numbers in one file: others where the same numbers have other scales.

    A phone's XNNPACK keeps what it has packed of a weight, its scales and the steps of known ranges
    among that, and finds it by the keys of weight and bias alone.
    """

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}

    def add(self, key: str, *beside: Tensor) -> str:
        """The key of whole numbers packed with these scales; `key` is that of their bytes."""
        data = b"".join(map(_bytes, beside))
        if self._packed.setdefault(key, data) == data:
            return key
        return hashlib.sha256(key.encode() + data).hexdigest()

    def add_lowered(self, weights: Mapping[str, Tensor], beside: PackedBeside) -> None:
        """Those of a graph that was lowered with its own weights, which keeps its keys.

        Of two weights of one such graph with the same whole numbers only the first is safe.
        """
        for slot, names in beside.items():
            for encoding in _encodings(weights[slot]):
                key = encoding.key(encoding.bytes_of(weights[slot]))
                self.add(key, *(weights[name] for name in names))


@dataclass(frozen=True)
class Lowered:
    """A lowered structure that can be bound to weights."""

    program: ExportedProgram
    sources: Mapping[str, _Source]
    """The slot behind each key of the payloads; keys of constants are not in it."""

    beside: PackedBeside

    def bind(self, weights: Mapping[str, Tensor], keys: WholeNumberKeys) -> ExportedProgram:
        """The program of a graph with its own weights, by slot.

        `keys` are those of the file that it comes into.
        """
        program = copy.deepcopy(self.program)
        for name in program.state_dict.keys() & weights.keys():
            program.state_dict[name] = torch.nn.Parameter(weights[name], requires_grad=False)
        contents = {}
        for key, (slot, encoding) in self.sources.items():
            data = encoding.bytes_of(weights[slot])
            new = encoding.key(data)
            if slot in self.beside:
                new = keys.add(new, *(weights[name] for name in self.beside[slot]))
            contents[key] = (new, data)
        for module in payloads(program):
            _rebind(module, contents)
        return program


def find_slots(
    program: ExportedProgram,
    weights: Mapping[str, Tensor],
    beside: PackedBeside = MappingProxyType({}),
) -> Lowered | None:
    """Find the made-up weights of a lowered program; None if one cannot be told for sure.

    That is so where the delegate has computed something from a weight (a folded normalisation):
    such a structure has to be lowered again for each graph.
    """
    lowered = find_some(program, weights, beside)
    keys = {key for module in payloads(program) for key in _keys(module)}
    if lowered is None or keys - lowered.sources.keys() - set(_constant_keys(program)):
        return None
    return lowered


def find_some(
    program: ExportedProgram, weights: Mapping[str, Tensor], beside: PackedBeside
) -> Lowered | None:
    """As `find_slots` of a program in which these weights alone are made up."""
    known = {
        encoding.key(encoding.bytes_of(weight)): _Source(slot, encoding)
        for slot, weight in weights.items()
        for encoding in reversed([*_encodings(weight)])
    }
    keys = {key for module in payloads(program) for key in _keys(module)}
    sources = {key: known[key] for key in keys & known.keys()}
    found = {source.slot for source in sources.values()} | program.state_dict.keys()
    return None if weights.keys() - found else Lowered(program, sources, beside)


def payloads(program: ExportedProgram) -> Iterator[LoweredBackendModule]:
    """What was delegated."""
    for node in program.graph.nodes:
        if node.op == "get_attr":
            module = getattr(program.graph_module, node.target)
            if isinstance(module, LoweredBackendModule):
                yield module


def _keys(module: LoweredBackendModule) -> Iterator[str]:
    store = module.named_data_store_output
    return iter(store.pte_data if store is not None else ())


def _constant_keys(program: ExportedProgram) -> Iterator[str]:
    """Keys of what is a constant of the structure and no weight."""
    for module in payloads(program):
        inner = module.original_module
        slots = {
            spec.target
            for spec in inner.graph_signature.input_specs
            if spec.kind.name == "PARAMETER"
        }
        for name, tensor in {**inner.state_dict, **inner.constants}.items():
            if name not in slots and isinstance(tensor, Tensor):
                for encoding in _ENCODINGS:
                    yield encoding.key(encoding.bytes_of(tensor))


def _rebind(module: LoweredBackendModule, contents: Mapping[str, tuple[str, bytes]]) -> None:
    """Give a payload other weights: for some of its keys a new one, and what is under that."""
    old = module.named_data_store_output
    if old is None:
        return
    store, renamed = NamedDataStore(), {}
    for key, entry in old.pte_data.items():
        renamed[key], data = contents.get(key, (key, old.buffers[entry.buffer_index]))
        store.add_named_data(renamed[key], data, entry.alignment)
    pattern = re.compile(b"|".join(key.encode() for key in renamed) or b"(?!)")
    module._processed_bytes = pattern.sub(
        lambda match: renamed[match[0].decode()].encode(), module.processed_bytes
    )
    module._named_data_store_output = store.get_named_data_store_output()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
