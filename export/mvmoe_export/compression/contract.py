"""The contract of a recipe: in which numbers graphs store their weights and compute, and its loss.

Importing this module, or a recipe's, imports no PyTorch: targets ask recipes for their numbers, and
the command line for their names, before anything is exported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mvmoe_deploy.bundle.manifest import Bounds

if TYPE_CHECKING:
    from mvmoe_export.programs import Program

Number = Literal["float32", "float16"]

_BYTES: dict[Number, int] = {"float32": 4, "float16": 2}


class NumberTypes(NamedTuple):
    """The types of the numbers in a graph, its inputs and outputs left out.

    A recipe states those that it makes, a target those that its engine runs, so neither names the
    other.
    """

    weights: Number
    activations: Number


FLOAT32 = NumberTypes("float32", "float32")
FLOAT16 = NumberTypes("float16", "float16")


def unchanged(program: "Program") -> "Program":
    """The program as it is: all that the recipe does is done by the engine's own compiler."""
    return program


@dataclass(frozen=True)
class Recipe:
    """How graphs are made smaller or faster, at a loss within bounds of its own.

    Invariants:

    - Router logits and answers are fp32, whatever the graph computes in.
    - Equal weights of two experts stay equal, so that they are stored once.
    - The same weights give the same bytes.
    """

    name: str
    """As `--TARGET-precision` and the manifest's `precision` have it."""
    summary: str
    """One line: what it does."""
    numbers: NumberTypes
    bounds: Bounds
    """How far graphs may be from PyTorch, on any engine; what an engine or a rewrite adds is an
    attribute of theirs (`mvmoe_export.bounds`)."""
    compress: Callable[["Program"], "Program"] = unchanged
    """Called once for each structure, after the rewrites: gives the program to compile, and with it
    how the weights of each graph fill its slots (`Program.compressed`). Weights
    that graphs take as inputs it does not see: a target refuses them with a recipe that
    `changes_weights`."""

    @property
    def changes_weights(self) -> bool:
        """Whether it must see every weight before an engine does."""
        return self.compress is not unchanged

    def stored(self, fp32_bytes: int) -> int:
        """The bytes of weights that have `fp32_bytes` in fp32."""
        return fp32_bytes * _BYTES[self.numbers.weights] // _BYTES["float32"]
