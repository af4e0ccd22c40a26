"""Layers whose weights are no constants, for engines that take them only with constants."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import counted
from mvmoe_export.sources import ORT_COREML_OPERATORS, ORT_NNAPI_OPERATORS, as_text


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph."""
    engine = target.engine
    if engine is None or not engine.constant_weights:
        return
    for graph in target.graphs:
        layers = Counter(op.type for op in graph.known if op.dynamic)
        found = Counter({name: layers[name] for name in layers if name in engine.constant_weights})
        if found:
            text = (
                f"{counted(found)} with weights that are no constants will probably be left out by "
                f"{engine.title}, whatever its checker says; export it without --rewrites, which "
                "makes them a MatMul, or with a graph for each expert"
            )
            source = as_text(engine.constant_sources) or None
            yield Finding("warning", engine.title, text, graph.name, source=source)


PART = EngineRule(
    name="dynamic-weights",
    looks_at="linear layers and convolutions whose weight or bias is an input, or gathered",
    says="use the [rewrites](rewrites.md) that make them products",
    gravity="`warning`",
    reason="Such a provider copies weights when it compiles a graph: it takes a Conv only with "
    "constants, NNAPI a Gemm only with a constant B or a transposed one, the CoreML provider only "
    "with a constant B and C. onnxruntime's usability checker compares types of operators alone.",
    sources=(ORT_NNAPI_OPERATORS, ORT_COREML_OPERATORS),
    check=_check,
)
