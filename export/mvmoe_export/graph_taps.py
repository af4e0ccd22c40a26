"""The contract of a tap: a copy of an exported graph that also gives values from its inside.

A target that has one (`TargetPart.tap`) can be asked which of its operators is wrong
(`parity/locating`). The copy is made of the bundle's own file, not exported again: a fault may be
in the file alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mvmoe_deploy.bundle.manifest import Graph, TensorSpec


@dataclass(frozen=True)
class EngineOperator:
    """One operator of an exported graph, as its engine runs it."""

    kind: str
    """What the engine calls it: `MatMul`."""
    takes: tuple[str, ...]
    """The names of the values that it reads."""
    gives: tuple[str, ...]
    """The names of the values that it makes."""
    moves: bool = False
    """Whether it only puts values into another order or shape, as a reshape does."""
    adds_bias: bool = False
    """Whether it adds the bias of its layer: what it gives is never the product alone."""


class GraphTap(Protocol):
    """One exported graph, opened to be looked into."""

    @property
    def operators(self) -> Sequence[EngineOperator]:
        """Its operators, in the order in which they run."""

    @property
    def values(self) -> Mapping[str, TensorSpec]:
        """The values that a copy can give, by their names in the graph; numbers only.

        Each with the shape that the copy gives it in; the name in it is that of the copy's output.
        """

    @property
    def inputs(self) -> Sequence[str]:
        """The values that are inputs of the graph."""

    @property
    def outputs(self) -> Mapping[str, str]:
        """The values that are outputs of the graph, by the names of the outputs."""

    def write(self, folder: Path, values: Sequence[str]) -> Graph:
        """Write a copy that gives some values behind its own outputs; gives the record of it.

        Its file is in `folder`, and is all that the engine needs.
        """
