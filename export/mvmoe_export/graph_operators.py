"""What a target says of the operators in its graphs: the same for every format.

They come out of files that are not trusted, and no weights are read.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.text import name

Shape = tuple[int | None, ...]
"""None where an axis is not fixed."""

MOST = 2**62
"""Shapes come out of a file: their product is kept where arithmetic with it is safe."""


def product(shape: Shape | None) -> int:
    """Elements of a tensor of that shape; 0 where a size is not known."""
    if shape is None or any(axis is None or axis < 0 for axis in shape):
        return 0
    return min(math.prod(axis for axis in shape if axis is not None), MOST)


@dataclass(frozen=True)
class OperatorTensor:
    """What is known of one value of a graph."""

    shape: Shape | None
    """None if not even the number of axes is known."""
    dtype: str
    """`float16`, `int32`, ...: in the words of NumPy; empty if unknown."""

    @property
    def rank(self) -> int:
        """The number of axes; 0 if it is unknown."""
        return len(self.shape or ())

    @property
    def elements(self) -> int:
        """How many it has; 0 where a size is not known."""
        return product(self.shape)

    @property
    def weights_per_output(self) -> int | None:
        """Of a convolution's weights: the products that are added up; None if not known."""
        return None if self.shape is None else product(self.shape[1:])

    def axis(self, position: int) -> int | None:
        """The length of an axis; None if it is not known, or there is no such axis."""
        known = self.shape is not None and -self.rank <= position < self.rank
        return self.shape[position] if self.shape is not None and known else None

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating-point numbers of any width."""
        return "float" in self.dtype


@dataclass(frozen=True)
class Op:
    """One operator that computes something when the graph runs (no constants)."""

    type: str
    """The format's own name for it: `MatMul` in ONNX, `matmul` in Core ML's MIL."""
    inputs: tuple[OperatorTensor, ...]
    """What it reads, weights included; the order is the format's own."""
    outputs: tuple[OperatorTensor, ...]
    macs: int = 0
    """Multiplications that are added up, of convolutions and matrix products."""
    kernel: tuple[int, ...] = ()
    """Of a convolution: the size of its window, height and width."""
    dynamic: bool = False
    """Of a linear layer or convolution: whether weight or bias is no constant of the graph."""

    @property
    def tensors(self) -> tuple[OperatorTensor, ...]:
        """All that it reads and gives."""
        return (*self.inputs, *self.outputs)


ReadGraph = Callable[[Graph], tuple[Op, ...]]
"""Gives the operators of a graph in a file that was opened; raises BundleError."""

UNKNOWN = OperatorTensor(None, "")
_LONGEST = 60


def operator(
    kind: str,
    inputs: tuple[OperatorTensor, ...],
    outputs: tuple[OperatorTensor, ...],
    macs: int = 0,
    filters: OperatorTensor = UNKNOWN,
    *,
    dynamic: bool = False,
) -> Op:
    """An operator, its type as a terminal may show it; `filters` are a convolution's weights."""
    window = tuple(axis or 0 for axis in (filters.shape or ())[2:])
    return Op(name(kind, _LONGEST), inputs, outputs, macs, window, dynamic)


def multiply_adds(result: OperatorTensor, terms: int | None) -> int:
    """Those of a result each of whose elements is a sum of `terms` products.

    0 where a size is not known.
    """
    return min(result.elements * max(terms or 0, 0), MOST)
