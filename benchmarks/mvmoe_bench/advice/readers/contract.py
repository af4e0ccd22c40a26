"""What readers share: operators as they come out of a file that is not trusted."""

from mvmoe_bench.advice.contract import MOST, Op, Tensor
from mvmoe_deploy.text import name

UNKNOWN = Tensor(None, "")
_LONGEST = 60


def operator(
    kind: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    macs: int = 0,
    filters: Tensor = UNKNOWN,
) -> Op:
    """An operator, its type as a terminal may show it; `filters` are a convolution's weights."""
    window = (filters.shape or ())[2:]
    return Op(name(kind, _LONGEST), inputs, outputs, macs, tuple(axis or 0 for axis in window))


def multiply_adds(result: Tensor, terms: int | None) -> int:
    """Those of a result each of whose elements is a sum of `terms` products.

    0 where a size is not known.
    """
    return min(result.elements * max(terms or 0, 0), MOST)
