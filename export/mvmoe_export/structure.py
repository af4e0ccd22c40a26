"""Which stage modules compute the same thing with other weights.

Exporting a graph takes seconds, re-binding one to other weights milliseconds. Two modules have
one structure when they have the same fingerprint (`fingerprint.py`): an eager run dispatches the
same operators with the same numbers to the same places, with weights that have the same names,
shapes and types. A module that does something else for one expert has another structure and is
exported on its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torch.export import ExportedProgram

from mvmoe_export import programs
from mvmoe_export.fingerprint import fingerprint

if TYPE_CHECKING:
    from mvmoe_export.stages import GraphSpec


@dataclass(frozen=True)
class StructureGroup:
    """Graphs, of any stages, that share a structure; the first serves as their template."""

    fingerprint: str
    template: "GraphSpec"
    members: tuple["GraphSpec", ...]

    def capture(self) -> ExportedProgram:
        """The template's program as `torch.export` gives it: made once, for all targets.

        Targets rewrite copies of it. Raises InputError for a module that cannot be captured.
        """
        return self._captured

    @cached_property
    def _captured(self) -> ExportedProgram:
        return programs.capture_stage(
            self.template.name, self.template.build(), self.template.inputs
        )


def group_by_structure(graphs: Iterable["GraphSpec"]) -> tuple[StructureGroup, ...]:
    """Group graphs by structure, in order of first appearance.

    Those of one structure take and give tensors of the same names for the same purposes, and bind
    the same weights. Raises InputError for what a stage's own code raises.
    """
    groups: dict[tuple[object, ...], list[GraphSpec]] = {}
    for graph in graphs:
        names = (*graph.inputs, "", *graph.outputs)
        key = (_fingerprint_of(graph), *names, graph.roles, *graph.bound.items())
        groups.setdefault(key, []).append(graph)
    return tuple(
        StructureGroup(str(key[0]), members[0], tuple(members)) for key, members in groups.items()
    )


def _fingerprint_of(graph: "GraphSpec") -> str:
    """The fingerprint of a graph's module on its example inputs."""
    inputs = [tensor.clone() for tensor in graph.inputs.values()]
    return fingerprint(graph.build(), inputs, f"graph {graph.name}")
