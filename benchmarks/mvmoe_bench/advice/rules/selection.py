"""An argmax of fp16 that the Neural Engine takes, and that was seen to answer wrongly there."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import GraphView, Severity
from mvmoe_bench.advice.engine_rule import EngineRule, graphs_on_neural_engine
from mvmoe_export.sources import issue

_ARGMAX = ("reduce_argmax", "reduce_argmin")


def _say(graph: GraphView) -> Iterator[tuple[Severity, str]]:
    """Whether a graph selects in fp16."""
    selecting = [op for op in graph.known if op.type in _ARGMAX]
    count = sum(any(given.dtype == "float16" for given in op.inputs) for op in selecting)
    if count:
        yield (
            "warning",
            f"{count} argmax of fp16 values in the graph may choose wrongly; give the values out, "
            "and choose on the host in fp32",
        )


PART = EngineRule(
    name="selection",
    looks_at="argmax of fp16 values",
    says="choose on the host in fp32",
    gravity="`warning`",
    reason="An argmax of fp16 values gave other classes on an iPhone 17 Pro's Neural Engine than "
    "on its CPU, without an error; seen with Core AI, which uses the same engine.",
    sources=(issue("apple/coreai-torch", 116),),
    check=graphs_on_neural_engine(_say),
)
