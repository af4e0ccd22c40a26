"""Reader `aten-json`: the operators of graphs of the target `aten-json`, for the advisor."""

import json
from collections.abc import Mapping
from pathlib import Path

from mvmoe_bench.advice.contract import Op, Tensor
from mvmoe_bench.advice.readers.contract import UnreadableGraph, printable
from mvmoe_deploy.bundle.manifest import Target

_UNKNOWN = Tensor(None, "")


def read(root: Path, target: Target) -> Mapping[str, tuple[Op, ...] | UnreadableGraph]:
    """The operators of each graph by name; their tensors are not known."""
    return {graph.name: _operators(root / graph.file) for graph in target.graphs}


def _operators(file: Path) -> tuple[Op, ...] | UnreadableGraph:
    """The operators of one file."""
    try:
        types = [step["operator"] for step in json.loads(file.read_text())["calls"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return UnreadableGraph(f"{file.name} is no graph ({type(error).__name__}); export it again")
    return tuple(Op(printable(each), (_UNKNOWN,), (_UNKNOWN,)) for each in types)


PART = read
