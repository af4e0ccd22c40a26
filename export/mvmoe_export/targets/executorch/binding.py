"""From one lowered structure to every graph that has it: only the names of weights change.

Before:  payload[key of made-up weight] + {key: made-up bytes}
After:   payload[key of real weight]    + {key: real bytes}

XNNPACK's payload names its constants by the SHA-256 of their bytes and keeps the bytes beside it.
A made-up weight is unlike every other, so its key says which slot it came from.
"""

import copy
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from executorch.exir._serialize._named_data_store import NamedDataStore
from executorch.exir.lowered_backend_module import LoweredBackendModule
from torch import Tensor
from torch.export import ExportedProgram

Encoding = Callable[[Tensor], Tensor]
"""How a delegate stores a weight."""

_ENCODINGS: tuple[Encoding, ...] = (
    lambda weight: weight,
    lambda weight: weight.permute(0, *range(2, weight.ndim), 1) if weight.ndim > 2 else weight,
    lambda weight: weight.transpose(0, 1) if weight.ndim > 1 else weight,
    lambda weight: weight.permute(1, *range(2, weight.ndim), 0) if weight.ndim > 2 else weight,
)
"""As it is; channels last, as convolutions want it; turned; a depthwise one channels last."""


@dataclass(frozen=True)
class _Source:
    """Where the bytes under a key come from."""

    slot: str
    encoding: Encoding


@dataclass(frozen=True)
class Lowered:
    """A lowered structure that can be bound to weights."""

    program: ExportedProgram
    sources: Mapping[str, _Source]
    """The slot behind each key of the payloads; keys of constants are not in it."""

    def bind(self, weights: Mapping[str, Tensor]) -> ExportedProgram:
        """The program of a graph with its own weights, by slot."""
        program = copy.deepcopy(self.program)
        for name in program.state_dict.keys() & weights.keys():
            program.state_dict[name] = torch.nn.Parameter(weights[name], requires_grad=False)
        contents = {
            key: _bytes(source.encoding(weights[source.slot]))
            for key, source in self.sources.items()
        }
        for module in payloads(program):
            _rebind(module, contents)
        return program


def find_slots(program: ExportedProgram, weights: Mapping[str, Tensor]) -> Lowered | None:
    """Find the made-up weights of a lowered program; None if one cannot be told for sure.

    That is so where the delegate has computed something from a weight (a folded normalisation):
    such a structure has to be lowered again for each graph.
    """
    known = {
        hashlib.sha256(_bytes(encoding(weight))).hexdigest(): _Source(slot, encoding)
        for slot, weight in weights.items()
        for encoding in reversed(_ENCODINGS)
    }
    keys = {key for module in payloads(program) for key in _keys(module)}
    sources = {key: known[key] for key in keys & known.keys()}
    constants = set(_constant_keys(program))
    found = {source.slot for source in sources.values()} | program.state_dict.keys()
    if keys - known.keys() - constants or weights.keys() - found:
        return None
    return Lowered(program, sources)


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
                    yield hashlib.sha256(_bytes(encoding(tensor))).hexdigest()


def _rebind(module: LoweredBackendModule, contents: Mapping[str, bytes]) -> None:
    """Give a payload other weights."""
    old = module.named_data_store_output
    if old is None:
        return
    store, renamed = NamedDataStore(), {}
    for key, entry in old.pte_data.items():
        data = contents.get(key, old.buffers[entry.buffer_index])
        renamed[key] = hashlib.sha256(data).hexdigest()
        store.add_named_data(renamed[key], data, entry.alignment)
    pattern = re.compile(b"|".join(key.encode() for key in renamed) or b"(?!)")
    module._processed_bytes = pattern.sub(
        lambda match: renamed[match[0].decode()].encode(), module.processed_bytes
    )
    module._named_data_store_output = store.get_named_data_store_output()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
