"""PyTorch's table of ONNX functions, read once for each operator set.

`torch.onnx.export` reads it again for every graph: it parses the source of a thousand functions of
torchlib, half a second of CPU time, as much as a small stage takes in all.
"""

import contextlib
import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from torch.onnx._internal.exporter._registration import ONNXRegistry

_read = ONNXRegistry.from_torchlib


@contextlib.contextmanager
def table_read_once() -> Iterator[None]:
    """Call `torch.onnx.export` in this block, one thread at a time.

    Whoever else does so meanwhile gets a table of its own, as without this.
    """
    reading = vars(ONNXRegistry)["from_torchlib"]
    ONNXRegistry.from_torchlib = staticmethod(_table)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        ONNXRegistry.from_torchlib = reading  # type: ignore[method-assign]


def _table(opset_version: int) -> Any:
    """A table for one export: an exporter may add functions to it."""
    kept = _kept(opset_version)
    table = copy.copy(kept)
    table.functions = {operator: [*found] for operator, found in kept.functions.items()}
    return table


@cache
def _kept(opset_version: int) -> Any:
    return _read(opset_version)
