"""An argmax of fp16 that the Neural Engine takes, and that was seen to answer wrongly there."""

from mvmoe_bench.advice.contract import Op
from mvmoe_bench.advice.engine_rule import EngineRule, operators_on_neural_engine
from mvmoe_export.sources import issue

_ARGMAX = ("reduce_argmax", "reduce_argmin")


def _selects(op: Op) -> bool:
    """Whether an operator chooses among fp16 values."""
    return op.type in _ARGMAX and any(given.dtype == "float16" for given in op.inputs)


PART = EngineRule(
    name="selection",
    looks_at="argmax of fp16 values",
    says="choose on the host in fp32",
    gravity="`warning`",
    reason="An argmax of fp16 values gave other classes on an iPhone 17 Pro's Neural Engine than "
    "on its CPU, without an error; seen with Core AI, which uses the same engine.",
    sources=(issue("apple/coreai-torch", 116),),
    check=operators_on_neural_engine(
        _selects,
        "{count} argmax of fp16 values in the graph may choose wrongly; give the values out, and "
        "choose on the host in fp32",
    ),
)
