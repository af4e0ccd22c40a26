"""Which stage modules compute the same thing with other weights.

Exporting a graph takes seconds, re-binding one to other weights milliseconds. Two modules have
one structure when an eager run dispatches the same operators in the same order to the same places,
with weights that have the same names, shapes and types. That is recorded, not assumed: a module
that does something else for one expert has another structure and is exported on its own.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from mvmoe_export.stages import GraphSpec, StageSpec


@dataclass(frozen=True)
class Family:
    """Graphs of one stage that share a structure; the first serves as their template."""

    template: GraphSpec
    members: tuple[GraphSpec, ...]


def families(stage: StageSpec, graphs: Iterable[GraphSpec]) -> list[Family]:
    """Group the graphs of one stage by structure, in order of first appearance."""
    groups: dict[str, list[GraphSpec]] = {}
    for graph in graphs:
        groups.setdefault(fingerprint(graph.build(), list(stage.inputs.values())), []).append(graph)
    return [Family(members[0], tuple(members)) for members in groups.values()]


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers by name, tied ones under each of their names."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def fingerprint(module: nn.Module, inputs: list[Tensor]) -> str:
    """A hash of what `module` computes on `inputs`, the values of its weights left out."""
    recorder = _Recorder(weights_of(module), inputs)
    with torch.no_grad(), recorder:
        output = module(*inputs)
    recorder.note("output", output)
    return recorder.digest.hexdigest()


class _Recorder(TorchDispatchMode):
    """Feeds every dispatched operator, with the names of the tensors it takes, to a hash."""

    def __init__(self, weights: dict[str, Tensor], inputs: list[Tensor]) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self.names: dict[int, str] = {}
        self.alive: list[Tensor] = []  # An id may be used again once its tensor is gone.
        for position, tensor in enumerate(inputs):
            self._name(tensor, f"input {position}")
        for name, tensor in weights.items():
            self._name(tensor, f"weight {name}")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator and note what it took; its results get the next numbers."""
        result = func(*args, **(kwargs or {}))
        self.note(str(func), (args, kwargs or {}))
        tree_map(lambda leaf: self._name(leaf, f"value {len(self.alive)}"), result)
        return result

    def note(self, what: str, arguments: Any) -> None:
        """Add an operator and its arguments, tensors by name, to the hash."""
        self.digest.update(repr((what, tree_map(self._describe, arguments))).encode())

    def _name(self, leaf: Any, name: str) -> None:
        """Remember a tensor under the first name it gets."""
        if isinstance(leaf, Tensor) and id(leaf) not in self.names:
            self.names[id(leaf)] = f"{name} {tuple(leaf.shape)} {leaf.dtype}"
            self.alive.append(leaf)

    def _describe(self, leaf: Any) -> Any:
        """A tensor's name, or the content of one that nobody named; other leaves as they are."""
        if not isinstance(leaf, Tensor):
            return leaf
        if id(leaf) in self.names:
            return self.names[id(leaf)]
        return f"constant {leaf.dtype} {leaf.tolist()}"
