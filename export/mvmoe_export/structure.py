"""Which stage modules compute the same thing with other weights.

Exporting a graph takes seconds, re-binding one to other weights milliseconds. Two modules have
one structure when they have the same fingerprint (`fingerprint.py`): an eager run dispatches the
same operators with the same numbers to the same places, with weights that have the same names,
shapes and types. A module that does something else for one expert has another structure and is
exported on its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mvmoe_export.fingerprint import fingerprint
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
        groups.setdefault(fingerprint_of(stage, graph), []).append(graph)
    return [Family(members[0], tuple(members)) for members in groups.values()]


def fingerprint_of(stage: StageSpec, graph: GraphSpec) -> str:
    """The fingerprint of a graph's module on the stage's example inputs; raises InputError."""
    inputs = [tensor.clone() for tensor in stage.inputs.values()]
    return fingerprint(graph.build(), inputs, f"graph {graph.name}")
