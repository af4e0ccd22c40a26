"""Operators on whole numbers and truth values, for which the Neural Engine has no arithmetic."""

from mvmoe_bench.advice.contract import Op
from mvmoe_bench.advice.engine_rule import EngineRule, operators_on_neural_engine
from mvmoe_bench.advice.rules.neural_engine_operators import LEAVES
from mvmoe_bench.advice.sources import ANE_GUIDE, RF_DETR

_INTEGERS = ("int", "uint")
_SMALL = ("int8", "uint8", "int16", "uint16", "int4", "uint4")
"""Types that it takes as stored weights, or as pixels."""


def _is_integer(op: Op) -> bool:
    """Whether all that it gives are whole numbers of a width that is not taken.

    Operators that leave the engine anyway have a rule of their own.
    """
    dtypes = [tensor.dtype for tensor in op.outputs if op.type not in LEAVES]
    return bool(dtypes) and all(
        dtype.startswith(_INTEGERS) and dtype not in _SMALL for dtype in dtypes
    )


PART = EngineRule(
    name="integers",
    looks_at="operators whose results are whole numbers",
    says="compute indices at export or on the host",
    gravity="`warning`",
    reason="The Neural Engine computes in fp16; int32 has no path to it, so indices leave it: "
    "expand_dims and tile of indices ran on the CPU.",
    sources=(ANE_GUIDE.at("chapter 17"), RF_DETR),
    check=operators_on_neural_engine(
        _is_integer,
        "{types} give whole numbers, which the Neural Engine does not compute; compute indices on "
        "the host or at export",
    ),
)
