"""Operators that change a tensor in place: what no clean-up or rewrite of a graph can keep."""

from typing import Any

import torch
from torch import fx

from mvmoe_deploy.errors import InputError

_ATEN = torch.ops.aten
_STATISTICS: dict[Any, int] = {
    _ATEN.batch_norm.default: 5,
    _ATEN.instance_norm.default: 5,
}
"""Operators that update their running statistics without saying so in their schema, each with the
position of the argument that makes them do it."""


def first_write(module: fx.GraphModule) -> fx.Node | None:
    """The first node that changes a tensor in place, also in the branches of a graph; else None."""
    graphs = (part for part in module.modules() if isinstance(part, fx.GraphModule))
    nodes = (node for graph in graphs for node in graph.graph.nodes)
    return next((node for node in nodes if node.op == "call_function" and _writes(node)), None)


def require_functional(module: fx.GraphModule) -> None:
    """Refuse a graph with a write in place; raises InputError.

    Such a node may have no reader and matter all the same, through a view of what it changes.
    """
    node = first_write(module)
    if node is not None:
        raise InputError(
            f"a graph with a write in place ({node.target} at {node.name}) was given; expected one "
            "of values alone: run_decompositions({}) of its program makes it",
            code="export.graph-refused",
            operator=str(node.target),
        )


def _writes(node: fx.Node) -> bool:
    """Whether a node changes what it takes."""
    schema = getattr(node.target, "_schema", None)
    if schema is not None and schema.is_mutable:
        return True
    place = _STATISTICS.get(node.target)
    return place is not None and node.args[3] is not None and bool(_argument(node, place))


def _argument(node: fx.Node, position: int) -> Any:
    return node.args[position] if position < len(node.args) else False
