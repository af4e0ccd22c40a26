"""Operators on whole numbers and truth values, for which the Neural Engine has no arithmetic."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import GraphView, Op, Severity
from mvmoe_bench.advice.engine_rule import EngineRule, graphs_on_neural_engine
from mvmoe_bench.advice.rules.neural_engine_operators import LEAVES
from mvmoe_bench.advice.rules.wording import counted
from mvmoe_bench.advice.sources import ANE_GUIDE, RF_DETR

_INTEGERS = ("int", "uint")
_SMALL = ("int8", "uint8", "int16", "uint16", "int4", "uint4")
"""Types that it takes as stored weights, or as pixels."""


def _say(graph: GraphView) -> Iterator[tuple[Severity, str]]:
    """What a graph computes with whole numbers, but for operators that have a rule of their own."""
    found = Counter(op.type for op in graph.known if op.type not in LEAVES and _is_integer(op))
    if found:
        yield (
            "warning",
            f"{counted(found)} give whole numbers, which the Neural Engine does not compute; "
            "compute indices on the host or at export",
        )


def _is_integer(op: Op) -> bool:
    """Whether all that an operator gives are whole numbers of a width that is not taken."""
    return bool(op.outputs) and all(
        tensor.dtype.startswith(_INTEGERS) and tensor.dtype not in _SMALL for tensor in op.outputs
    )


PART = EngineRule(
    name="integers",
    looks_at="operators whose results are whole numbers",
    says="compute indices at export or on the host",
    gravity="`warning`",
    reason="The Neural Engine computes in fp16; int32 has no path to it, so indices leave it: "
    "expand_dims and tile of indices ran on the CPU.",
    sources=(ANE_GUIDE.at("chapter 17"), RF_DETR),
    check=graphs_on_neural_engine(_say),
)
