"""Graph rewrites that keep a graph in one piece: one per file, on ATen operators.

A target names the rewrites that it uses, in the order in which they are applied.
"""

from collections.abc import Sequence

from mvmoe_deploy.errors import InputError
from mvmoe_export.rewrites import (  # noqa: F401 - they register themselves
    arithmetic,
    attention,
    averages,
    batch_norm,
    division,
    expands,
    gelu_primitives,
    gelu_tanh,
    group_norm,
    hard_swish,
    layer_norm,
    pools,
    projections,
    rank,
    slices,
    softmax,
    views,
)
from mvmoe_export.rewrites.contract import REWRITES, Rewrite
from mvmoe_export.rewrites.graph import AtenGraph
from mvmoe_export.writes import require_functional

ONE_PIECE = (
    "views",
    "arithmetic",
    "slices",
    "projections",
    "attention",
    "softmax",
    "batch-norm",
    "group-norm",
    "layer-norm",
    "averages",
    "division",
    "expands",
    "pools",
)
"""What an engine without reductions needs; `rank` and `views` come last, after all others."""

__all__ = ["ONE_PIECE", "REWRITES", "AtenGraph", "Rewrite", "apply", "require_rewrites"]


def apply(graph: AtenGraph, names: Sequence[str]) -> dict[str, int]:
    """Apply rewrites in order; gives how many places each has changed."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + REWRITES[name].apply(graph)
    require_functional(graph.module)
    graph.module.graph.eliminate_dead_code()
    graph.module.graph.lint()
    graph.module.recompile()
    return counts


def require_rewrites(names: Sequence[str]) -> None:
    """Refuse a rewrite that does not exist; raises InputError."""
    unknown = [name for name in names if name not in REWRITES]
    if unknown:
        raise InputError(
            f"rewrite {unknown[0]!r} is unknown; there are {', '.join(sorted(REWRITES))}, and none"
        )
