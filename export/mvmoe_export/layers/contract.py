"""What a layer is, and what a target does with one: importing this imports no engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import msgspec
from torch import Tensor, fx

from mvmoe_export.rewrites.graph import argument

_WITH_BIAS = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "convolution")
"""Operators whose third argument is a bias."""


@dataclass(frozen=True)
class Layer:
    """A node that multiplies its input by a weight and adds up: a product or a convolution."""

    node: fx.Node
    weight: fx.Node
    """A weight of the graph, or one that is an input of it."""
    name: str
    """The weight's name: that of a slot or of a bound input."""
    operator: str
    """As ATen calls it: linear, conv2d, ..."""
    outputs_axis: int
    """Which axis of the weight are the outputs: each of them has a scale of its own."""

    @property
    def input(self) -> fx.Node:
        """What it multiplies."""
        found = self.node.args[1 if self.operator == "addmm" else 0]
        assert isinstance(found, fx.Node)
        return found

    @property
    def bias(self) -> fx.Node | None:
        """What it adds to every output, if it is not added by another node."""
        if self.operator == "addmm":
            found = self.node.args[0]
        else:
            found = argument(self.node, 2, "bias") if self.operator in _WITH_BIAS else None
        return found if isinstance(found, fx.Node) else None

    @property
    def inner_bias(self) -> fx.Node | None:
        """Its bias, if that is surely a vector of constants, one for each output."""
        bias = self.bias
        inner = bias is not None and self.operator in _WITH_BIAS and bias.op == "get_attr"
        return bias if inner else None

    @property
    def is_product(self) -> bool:
        """Whether it is a product of a matrix: no convolution."""
        return "conv" not in self.operator

    @property
    def is_bound(self) -> bool:
        """Whether its weight is an input of the graph."""
        return self.weight.op == "placeholder"

    def with_weight(self, weight: fx.Node) -> fx.Node:
        """A new node before this one: the same layer over another node as its weight."""
        arguments = [weight if given is self.weight else given for given in self.node.args]
        operator = self.node.target
        assert callable(operator)  # Of a method alone it would be a name.
        return self.node.graph.call_function(operator, tuple(arguments), dict(self.node.kwargs))

    def by_output(self, weight: Tensor) -> Tensor:
        """A weight of it as a matrix `[outputs, inputs]`, contiguous."""
        turned = weight.movedim(self.outputs_axis, 0)
        return turned.reshape(len(turned), -1).contiguous()

    def in_shape(self, made: Tensor, weight: Tensor) -> Tensor:
        """What was made of `by_output` in the order of the weight's axes.

        One number for each output gets axes of 1 beside that of the outputs.
        """
        turned = weight.movedim(self.outputs_axis, 0).shape
        sizes = turned if made.ndim > 1 else (turned[0], *(1 for _ in turned[1:]))
        return made.reshape(sizes).movedim(0, self.outputs_axis).contiguous()


Range = tuple[float, float]
"""The smallest and the largest value, 0 among them."""


class LayerRanges(NamedTuple):
    """The values that a layer has met with calibration images."""

    taken: Range
    given: Range
    """With its `inner_bias`, and without another one."""


class PreciseLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that stays as precise as it was, and why."""

    operator: str
    layer: str
    """The name of its weight."""
    reason: str
    """After "stays precise: "."""


class LayerWriter(Protocol):
    """How an engine's graphs have layers with compressed weights.

    Invariants:

    - `parts` are of the same names, shapes and types for every weight of one shape.
    - Equal weights give equal parts, byte for byte.

    One that needs the ranges of what layers take is a `CalibratedWriter`.
    """

    packed: ClassVar[Mapping[str, int]]
    """The bits of each number of a part, of those that an engine's compiler stores in fewer than
    their type has: whole numbers of so many bits, or floats of a shorter type."""

    def refuses(self, layer: Layer, weight: Tensor) -> str | None:
        """Why the engine has no such layer, after "stays precise: "; None if it has one.

        Of the weight only shape and type may be asked.
        """

    def parts(self, layer: Layer, weight: Tensor) -> dict[str, Tensor]:
        """What is stored in place of a weight, by names that are identifiers."""

    def write(self, layer: Layer, parts: Mapping[str, fx.Node]) -> fx.Node:
        """New nodes before the layer's, which read `parts`; gives the one that replaces it.

        What a part is like, `rewrites.graph.value` says.
        """


@runtime_checkable
class CalibratedWriter(LayerWriter, Protocol):
    """A writer whose layers take values in ranges that calibration images have shown."""

    def range_parts(
        self, layer: Layer, parts: Mapping[str, Tensor], found: LayerRanges
    ) -> dict[str, Tensor]:
        """What is stored of ranges beside `parts`, by other names: for each graph its own."""
