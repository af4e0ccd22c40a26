"""Tensors with axes of unknown length."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import plural
from mvmoe_export.sources import APPLE_RULES, ORT_CHECKER, Citation, issue


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph, where an engine that minds is to run it."""
    engine = target.engine
    if engine is None or not engine.fixed_shapes:
        return
    for graph in target.graphs:
        count = sum(any(None in (out.shape or ()) for out in op.outputs) for op in graph.known)
        if count:
            yield Finding(
                "problem",
                engine.unit,
                f"{plural(count, 'operator')} with results of no fixed shape; fix the batch and "
                "the image size, and use no operator whose shape depends on values",
                graph.name,
            )


PART = EngineRule(
    name="shapes",
    looks_at="axes without a fixed length",
    says="fix them",
    gravity="`problem`",
    reason="The Neural Engine compiles for fixed shapes (of a range it takes the default alone), "
    "and NNAPI's provider takes nodes of fixed shapes only.",
    sources=(
        APPLE_RULES,
        Citation(
            "Apple Developer Forums, thread 724930",
            "https://developer.apple.com/forums/thread/724930",
        ),
        issue("apple/coremltools", 1764),
        ORT_CHECKER,
    ),
    check=_check,
)
