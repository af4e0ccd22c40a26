"""Operators that choose among values, and were seen to choose wrongly on an accelerator."""

from operator import attrgetter

from mvmoe_bench.advice.engine_rule import accelerator_rule, of_operators
from mvmoe_export.graph_operators import Op
from mvmoe_export.neural_engine import NEURAL_ENGINE


def _selects(op: Op, inexact: frozenset[str]) -> bool:
    """Whether an operator chooses among fp16 values."""
    return op.type in inexact and any(given.dtype == "float16" for given in op.inputs)


PART = accelerator_rule(
    "selection",
    NEURAL_ENGINE.inexact,
    of_operators(
        attrgetter("inexact"),
        _selects,
        "{count} argmax of fp16 values in the graph may choose wrongly; give the values out, and "
        "choose on the host in fp32",
    ),
    looks_at="argmax of fp16 values",
    says="choose on the host in fp32",
)
