"""Graph rewrites that keep a graph in one piece: one per file, on ATen operators.

A target says what its engine needs (`Need`), and each rewrite says which need it serves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch._ops import OpOverload
from torch.export import ExportedProgram

from mvmoe_deploy import part_lookup
from mvmoe_export.engine_facts import Need
from mvmoe_export.rewrites.contract import Rewrite
from mvmoe_export.rewrites.graph import AtenGraph
from mvmoe_export.writes import require_functional

__all__ = [
    "AtenGraph",
    "Need",
    "Repairs",
    "Rewrite",
    "apply",
    "built_in",
    "concerned",
    "find_rewrite",
    "names_for",
    "repairs",
    "replacing",
]


def find_rewrite(name: str) -> Rewrite:
    """The rewrite of that name, a plug-in's included; raises InputError if there is none."""
    found: Rewrite = part_lookup.find("rewrites", name)
    return found


def built_in() -> list[Rewrite]:
    """All built-in rewrites by name."""
    return [find_rewrite(name) for name in part_lookup.built_in_names("rewrites")]


def names_for(needs: Iterable[Need]) -> tuple[str, ...]:
    """The names of the built-in rewrites that serve some needs, in the order of application.

    Rewrites of plug-ins are applied only where a caller names them: what is installed beside this
    package must not change what an export gives.
    """
    needed = frozenset(needs)
    placed = [
        (order, rewrite.name)
        for rewrite in built_in()
        if rewrite.need in needed
        for order in rewrite.order
    ]
    return tuple(name for _, name in sorted(placed))


def replacing(operator: str) -> list[str]:
    """The names of the rewrites that remove an operator, plug-ins' included, in their order.

    `operator` is called as engines call it, with or without an overload: `mul.Scalar_out`, `Gelu`.
    """
    bare = operator.partition(".")[0]
    found = map(find_rewrite, part_lookup.names("rewrites"))
    fitting = [rewrite for rewrite in found if rewrite.replaces & {operator, bare}]
    return [rewrite.name for rewrite in sorted(fitting, key=lambda rewrite: rewrite.order)]


@dataclass(frozen=True)
class Repairs:
    """Which rewrites remove operators that an engine leaves out; names are sorted."""

    by_default: list[str]
    """Those that the engine's target applies by itself."""
    if_named: list[str]
    """Those that are only applied where a caller names them."""
    without: list[str]
    """The operators that none removes, or that are there although it was applied."""


def repairs(operators: Iterable[str], needs: Iterable[Need], applied: Iterable[str]) -> Repairs:
    """The rewrites to repair a graph with for an engine of these `needs`, but for those applied."""
    defaults, done = frozenset(names_for(needs)), frozenset(applied)
    wanted: set[str] = set()
    without = []
    for operator in operators:
        fitting = set(replacing(operator))
        missing = (fitting & defaults or fitting) - done
        wanted |= missing
        without += [] if missing else [operator]
    return Repairs(sorted(wanted & defaults), sorted(wanted - defaults), without)


def concerned(names: Sequence[str], program: ExportedProgram) -> tuple[str, ...]:
    """Those of some rewrites that may find something in a program as it was captured.

    Raises InputError for a rewrite that does not exist.
    """
    called = {
        node.target._schema.name.partition("::")[2]
        for node in program.graph.nodes
        if isinstance(node.target, OpOverload)
    }
    found = [find_rewrite(name) for name in names]
    return tuple(
        one.name
        for one in found
        if (not one.only_with or one.only_with & called)
        and (one.only_if is None or one.only_if(program.graph))
    )


def apply(graph: AtenGraph, names: Sequence[str]) -> dict[str, int]:
    """Apply rewrites in order; gives how many places each has changed.

    Raises InputError for a rewrite that does not exist.
    """
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + find_rewrite(name).apply(graph)
    require_functional(graph.module)
    graph.module.graph.eliminate_dead_code()
    graph.module.graph.lint()
    graph.module.recompile()
    return counts
