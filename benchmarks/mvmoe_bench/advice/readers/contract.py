"""What readers share: how they say that a graph cannot be read, and the arithmetic of products."""

import math
from dataclasses import dataclass

from mvmoe_bench.advice.contract import Shape, Tensor
from mvmoe_deploy.text import name


@dataclass(frozen=True)
class UnreadableGraph:
    """Why a graph could not be read, in one sentence."""

    message: str


_LONGEST = 60
_MOST = 2**62
"""Shapes come out of a file: their product is kept where arithmetic with it is safe."""


def printable(text: str) -> str:
    """An operator's type out of an untrusted file, as a terminal may show it."""
    return name(text, _LONGEST)


def product(output: Tensor, terms: int | None) -> int:
    """Multiply-adds of an output each of whose elements is a sum of `terms` products.

    0 where a size is not known.
    """
    return 0 if terms is None else min(size(output.shape) * max(terms, 0), _MOST)


def size(shape: Shape | None) -> int:
    """Elements of a tensor; 0 where a size is not known."""
    if shape is None or any(axis is None or axis < 0 for axis in shape):
        return 0
    return min(math.prod(axis for axis in shape if axis is not None), _MOST)


def axis(tensor: Tensor | None, position: int) -> int | None:
    """The length of an axis; None if it is not known, or there is no such axis."""
    shape = tensor.shape if tensor is not None else None
    if shape is None or not -len(shape) <= position < len(shape):
        return None
    return shape[position]
