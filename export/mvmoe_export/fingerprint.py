"""What a stage module computes, the values of its weights left out.

Recorded, not assumed: an eager run says which operators it dispatches, in which order, on what, and
with which numbers. A Python number, a tensor that is an attribute and no buffer, a weight that is
read in another place: each makes another computation.
"""

import hashlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.user_code import user_code
from mvmoe_export.source_location import quantizer

_SHOWN = 8
"""Values of a constant that are written out; of more, their hash."""

Trace = list[tuple[str, str]]


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers by name, tied ones under each of their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def fingerprint(module: nn.Module, inputs: list[Tensor], name: str = "a stage") -> str:
    """A hash of what `module` computes on `inputs`, the values of its weights left out.

    Raises InputError, with `name` at its front, for what the module's own code raises, and for a
    module that writes to its own weights.
    """
    return hashlib.sha256(repr(trace(module, inputs, name)).encode()).hexdigest()


def trace(module: nn.Module, inputs: list[Tensor], name: str = "a stage") -> Trace:
    """The operators that a run of `module` dispatches, each with what it takes, in words.

    Raises as `fingerprint`.
    """
    recorder = _Recorder(module, inputs, name)
    with torch.no_grad(), user_code(name), recorder:
        output = module(*inputs)
    recorder.note("output", output)
    return recorder.trace


def first_difference(one: Trace, other: Trace) -> str | None:
    """The first place where two traces differ, in a few words; None where they do not."""
    for (ours, taken), (theirs, given) in zip(one, other, strict=False):
        if ours != theirs:
            return f"{ours} against {theirs}"
        if taken != given:
            return f"{ours} {_where_unlike(taken, given)}"
    if len(one) != len(other):
        return f"{len(one) - 1} operators against {len(other) - 1}"
    return None


def _where_unlike(one: str, other: str) -> str:
    """Two descriptions of arguments from the first thing in which they differ."""
    ours, theirs = one.split(", "), other.split(", ")
    pairs = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
    left, right = pairs[0] if pairs else (one, other)
    return f"with {left.strip('()[]{}')[:80]} against {right.strip('()[]{}')[:80]}"


# PyTorch's class declares no types for its own methods.
class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every dispatched operator, with the names of the tensors it takes."""

    def __init__(self, module: nn.Module, inputs: list[Tensor], name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.trace: Trace = []
        self.module = module
        self.graph = name
        weights = weights_of(module)
        self.names: dict[int, str] = {}
        self.memory = {_memory(tensor): weight for weight, tensor in weights.items()}
        self.memory.pop(0, None)  # Of tensors without elements.
        self.alive: list[Tensor] = []  # An id may be used again once its tensor is gone.
        for position, tensor in enumerate(inputs):
            self._name(tensor, f"input {position}")
        for weight, tensor in weights.items():
            self._name(tensor, f"weight {weight}")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator and note what it took; its results get the next numbers."""
        if func._schema.is_mutable:
            self._require_own(func, args, kwargs or {})
        # Noted before it runs: it may change what it takes.
        self.note(str(func), (args, kwargs or {}))
        result = func(*args, **(kwargs or {}))
        tree_map(lambda leaf: self._name(leaf, f"value {len(self.alive)}"), result)
        return result

    def note(self, what: str, arguments: Any) -> None:
        """Add an operator and its arguments, tensors by name."""
        self.trace.append((what, repr(tree_map(self._describe, arguments))))

    def _require_own(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Refuse a write to a weight: it changes the model, and PyTorch's exporter may crash."""
        for position, argument in enumerate(func._schema.arguments):
            given = kwargs.get(argument.name, args[position] if position < len(args) else None)
            written = argument.alias_info is not None and argument.alias_info.is_write
            if written and isinstance(given, Tensor) and _memory(given) in self.memory:
                raise InputError(
                    f"{self.graph} changes {self.memory[_memory(given)]} in place; a stage must "
                    "leave its inputs and buffers as they are: work on a copy, and call eval() on "
                    f"the model{quantizer(self.module)}",
                    code="model.contract",
                    graph=self.graph,
                    name=self.memory[_memory(given)],
                )

    def _name(self, leaf: Any, name: str) -> None:
        """Remember a tensor under the first name it gets."""
        if isinstance(leaf, Tensor) and id(leaf) not in self.names:
            self.names[id(leaf)] = f"{name} {_kind(leaf)}"
            self.alive.append(leaf)

    def _describe(self, leaf: Any) -> Any:
        """A tensor's name, or the content of one that nobody named; other leaves as they are."""
        if not isinstance(leaf, Tensor):
            return leaf
        return self.names.get(id(leaf)) or f"constant {_kind(leaf)} {_content(leaf)}"


def _kind(tensor: Tensor) -> str:
    return f"{'x'.join(map(str, tensor.shape)) or 'scalar'} {tensor.dtype}"


def _memory(tensor: Tensor) -> int:
    """Where a tensor's storage is, whatever part of it the tensor shows."""
    return tensor.untyped_storage().data_ptr()


def _content(tensor: Tensor) -> str:
    """The values of a tensor, or their hash."""
    if tensor.numel() <= _SHOWN:
        return str(tensor.tolist()).replace(", ", " ")
    return hashlib.sha256(repr(tensor.tolist()).encode()).hexdigest()[:16]
