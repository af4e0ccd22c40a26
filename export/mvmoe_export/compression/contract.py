"""The contract of a recipe: in which numbers graphs store their weights and compute, and its loss.

Importing this module, or a recipe's, imports no PyTorch: targets ask recipes for their numbers, and
the command line for their names, before anything is exported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from mvmoe_export.programs import Program

Number = Literal["float32", "float16"]
"""A type that all numbers of a graph may have."""

WeightNumber = Literal["float32", "float16", "int8", "int4", "palette-6", "palette-4"]
"""How the weights of layers are stored.

- int8: whole numbers of 8 bits, with one scale for each output of a layer.
- int4: whole numbers of 4 bits, with one scale for each 32 weights of an output.
- palette-6, palette-4: an index of 6 or 4 bits into a table of values.

What is no layer's weight (biases, norms), and layers that stay precise, have the numbers of the
activations.
"""

Activation = Literal["float32", "float16", "dynamic-int8", "static-int8", "static-int8-float16"]
"""What layers compute in. With `dynamic-int8` and `static-int8` their inputs are rounded to whole
numbers of 8 bits, in a range that is found anew for each image, or in one that calibration images
have shown; everything else is fp32. With `static-int8-float16` it is fp16."""

_HALF = ("float16", "static-int8-float16")
_STATIC: tuple[Activation, ...] = ("static-int8", "static-int8-float16")

_BITS: dict[WeightNumber, int] = {
    "float32": 32,
    "float16": 16,
    "int8": 8,
    "palette-6": 6,
    "int4": 4,
    "palette-4": 4,
}


def number_beside(activations: str) -> Number:
    """The type of all numbers that are neither weights of layers nor inputs of layers."""
    return "float16" if activations in _HALF else "float32"


class NumberTypes(NamedTuple):
    """The types of the numbers in a graph, its inputs and outputs left out.

    A recipe states those that it makes, a target those that its engine runs, so neither names the
    other.
    """

    weights: WeightNumber
    activations: Activation

    @property
    def other(self) -> Number:
        """The type of all numbers that are neither weights of layers nor inputs of layers."""
        return number_beside(self.activations)

    @property
    def computes_in_int8(self) -> bool:
        """Whether layers multiply whole numbers of 8 bits."""
        return self.activations in ("dynamic-int8", *_STATIC)

    @property
    def needs_images(self) -> bool:
        """Whether calibration images have to show the ranges of what layers take."""
        return self.activations in _STATIC

    @property
    def changes_layers(self) -> bool:
        """Whether the weights of layers are stored in other numbers than everything else."""
        return self.weights != self.other

    def stored(self, fp32_bytes: int) -> int:
        """The bytes of weights that have `fp32_bytes` in fp32, were all of them of layers."""
        return -(-fp32_bytes * _BITS[self.weights] // _BITS["float32"])


FLOAT32 = NumberTypes("float32", "float32")
FLOAT16 = NumberTypes("float16", "float16")


def unchanged(program: "Program") -> "Program":
    """The program as it is: all that the recipe does is done where a target writes layers."""
    return program


@dataclass(frozen=True)
class Recipe:
    """How graphs are made smaller or faster, at a loss within bounds of its own.

    Invariants:

    - Router logits and answers are fp32, whatever the graph computes in.
    - Routers, and the layers that give an answer, are not compressed (`mvmoe_export.layers`).
    - Equal weights of two experts stay equal, so that they are stored once.
    - The same weights give the same bytes.
    """

    name: str
    """As `--TARGET-precision` and the manifest's `precision` have it."""
    summary: str
    """One line: what it does."""
    numbers: tuple[NumberTypes, ...]
    """Those that a graph may have: a target takes the first that its engine runs."""
    bounds: Bounds
    """How far graphs may be from PyTorch, on any engine; what an engine or a rewrite adds is an
    attribute of theirs (`mvmoe_export.bounds`)."""
    compress: Callable[["Program"], "Program"] = unchanged
    """Called once for each structure, after the rewrites: gives the program to compile, and with it
    how the weights of each graph fill its slots (`Program.compressed`). Weights
    that graphs take as inputs it does not see: a target refuses them with a recipe that
    `changes_weights`. What its `numbers` say is done to layers is not its work but the target's."""

    @property
    def changes_weights(self) -> bool:
        """Whether it must see every weight before an engine does."""
        return self.compress is not unchanged

    def numbers_on(self, runs: tuple[NumberTypes, ...]) -> NumberTypes:
        """The numbers that graphs have on an engine that runs those of `runs`.

        Raises InputError if it has none.
        """
        for numbers in self.numbers:
            if numbers in runs:
                return numbers
        raise InputError(
            f"the recipe {self.name} makes numbers that the engine does not run; give another "
            "--precision",
            code="input.option",
            name="precision",
            given=self.name,
        )
