"""Lowering without what costs ExecuTorch time and gives nothing here, and merged to the end.

Each entry is of the pinned version of ExecuTorch: look again when that changes.
"""

import contextlib
import gc
import re
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from executorch.backends.xnnpack.partition.graphs import bilinear_2d, sdpa
from executorch.exir.backend.canonical_partitioners.group_partitioner import GroupBasedPartitioner
from torch.export import ExportedProgram
from torch.fx.traceback import NodeSource

from mvmoe_export.pytorch_listing import operators_listed_once

_SOFTMAX = re.compile("softmax|dot_product")
"""In the name of what has, or may be taken apart into, a softmax."""


@contextlib.contextmanager
def shortcuts() -> Iterator[None]:
    """Lower in this block; for a process in which nothing else runs."""
    with (
        _without_garbage_collection(),
        _without_copied_history(),
        _without_resize_patterns(),
        _merged_to_the_end(),
        operators_listed_once(),
    ):
        yield


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """The garbage collector walks millions of live nodes again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _without_copied_history() -> Iterator[None]:
    """Every pass copies each node's history of passes, which nobody reads or changes: share it."""
    # The class has no such attribute yet.
    NodeSource.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined] # set here
    try:
        yield
    finally:
        del NodeSource.__deepcopy__  # type: ignore[attr-defined] # as it was before


@contextlib.contextmanager
def _without_resize_patterns() -> Iterator[None]:
    """XNNPACK's search for resizing that was taken apart exports four models to search for: 1.5 s.

    Each of them is the operator `upsample_bilinear2d.vec` as a whole, since its configuration keeps
    that, and where a whole one is found the pass leaves it as it is.
    """
    with _replaced(bilinear_2d, "get_graphs_dict", dict):
        yield


@contextlib.contextmanager
def _merged_to_the_end() -> Iterator[None]:
    """Partitions are merged in pairs, and each pair is looked at once.

    Layers that share a quantized input are one from the start, and what lies between them may still
    be another by the time their pair comes: look again until nothing is merged.
    """
    merge = GroupBasedPartitioner._merge_partitions

    def merge_all(self: Any, partitions: dict[int, Any], *others: Any) -> None:
        before = None
        while before != (before := len(partitions)):
            merge(self, partitions, *others)

    with _replaced(GroupBasedPartitioner, "_merge_partitions", merge_all):
        yield


@contextlib.contextmanager
def without_attention_patterns(programs: Iterable[ExportedProgram]) -> Iterator[None]:
    """XNNPACK's search for attention exports two models to search for: 1 s.

    Both have a softmax: where no program has one, nothing can be found.
    """
    names = (str(node.target) for program in programs for node in program.graph.nodes)
    if any(map(_SOFTMAX.search, names)):
        yield
        return
    with _replaced(sdpa, "get_graphs", list):
        yield


@contextlib.contextmanager
def _replaced(module: ModuleType | type, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Put another function in the place of one."""
    made = getattr(module, name)
    setattr(module, name, function)
    try:
        yield
    finally:
        setattr(module, name, made)
