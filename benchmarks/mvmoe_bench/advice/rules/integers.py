"""Operators on whole numbers and truth values, for which the Neural Engine has no arithmetic."""

from collections import Counter
from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, Op, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml
from mvmoe_bench.advice.rules.neural_engine_operators import LEAVES
from mvmoe_bench.advice.rules.wording import counted

_INTEGERS = ("int", "uint")
_SMALL = ("int8", "uint8", "int16", "uint16", "int4", "uint4")
"""Types that it takes as stored weights, or as pixels."""


class Integers:
    """Indices and masks that are computed inside a graph."""

    name = "integers"
    reason = "The Neural Engine computes in fp16; int32 has no path to it, so indices leave it."
    source = (
        f"{sources.ANE_GUIDE}, chapter 17; roboflow/rf-detr#1495, where expand_dims and tile of "
        "indices ran on the CPU (https://github.com/roboflow/rf-detr/pull/1495)"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph that computes with whole numbers."""
        if not is_core_ml(target):
            return
        for graph in target.graphs:
            found = Counter(op.type for op in graph.ops or () if _is_integer(op))
            if found:
                yield Finding(
                    "warning",
                    NEURAL_ENGINE,
                    f"{counted(found)} give whole numbers, which the Neural Engine does not "
                    "compute; compute indices on the host or at export",
                    graph.name,
                )


def _is_integer(op: Op) -> bool:
    """Whether all that an operator gives are whole numbers of a width that is not taken."""
    if op.type in LEAVES or not op.outputs:
        return False  # Those have a rule of their own.
    return all(
        tensor.dtype.startswith(_INTEGERS) and tensor.dtype not in _SMALL for tensor in op.outputs
    )


PART = Integers()
