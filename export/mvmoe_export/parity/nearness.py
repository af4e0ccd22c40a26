"""How near outputs are to PyTorch's: one figure and its bound, both in the same unit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mvmoe_deploy.verification.metrics import SMALLEST_PEAK, in_enough_digits

HALF_STEP = 2.0**-10
"""What an output in fp16 may differ by, relative to its largest value: one unit in its last place.
Two values that are a rounding apart in fp32 can become neighbours."""

Outputs = Mapping[str, Tensor]
"""What a stage gives, by name."""


@dataclass(frozen=True)
class Nearness:
    """The output that is furthest from PyTorch's, measured by its bound.

    `error` and `bound` are relative to the largest value of that output; `absolute` is the largest
    difference of all outputs. What is not a number is infinitely far away.
    """

    output: str
    error: float
    bound: float
    absolute: float

    @property
    def ok(self) -> bool:
        """Whether every output is within its bound."""
        return self.error <= self.bound

    @property
    def words(self) -> str:
        """Figure and bound, with as many digits as show which one is larger."""
        error, bound = in_enough_digits(self.error, self.bound)
        return f"{error} of the largest value of {self.output} (bound {bound})"


def compare(
    given: Outputs,
    wanted: Outputs,
    bounds: float | Mapping[str, float],
    precise: Outputs | None = None,
) -> Nearness:
    """Hold outputs against PyTorch's, in fp32 and, where known, in fp64: the nearer one counts."""
    found = []
    for name, tensor in wanted.items():
        bound = bounds if isinstance(bounds, float | int) else bounds[name]
        if tensor.dtype == torch.float16:
            bound = max(bound, HALF_STEP)
        absolute = difference(given[name], tensor)
        if precise is not None:
            absolute = min(absolute, difference(given[name], precise[name]))
        error = absolute / peak(tensor)
        found.append(Nearness(name, math.inf if math.isnan(error) else error, bound, absolute))
    worst = max(found, key=lambda nearness: nearness.error / nearness.bound)
    largest = max(nearness.absolute for nearness in found)
    return Nearness(worst.output, worst.error, worst.bound, largest)


def difference(one: Tensor, other: Tensor) -> float:
    """The largest absolute difference; infinite where one is not a number."""
    largest = (one.double() - other.double()).abs().max().item() if one.numel() else 0.0
    return math.inf if math.isnan(largest) else largest


def peak(tensor: Tensor) -> float:
    """The largest absolute value, and at least `SMALLEST_PEAK`."""
    return max(tensor.abs().max().item() if tensor.numel() else 0.0, SMALLEST_PEAK)
