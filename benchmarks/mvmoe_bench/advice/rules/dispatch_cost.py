"""The time of a graph against the cost of calling it: what is too small for the Neural Engine."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, GraphView, Severity, TargetView
from mvmoe_bench.advice.engine_rule import CORE_ML, NEURAL_ENGINE, EngineRule, on_neural_engine
from mvmoe_bench.advice.sources import ANE_GUIDE
from mvmoe_bench.advice.wording import duration, work
from mvmoe_export.sources import Source, issue

# Of an M1, whose figures are public for engine and CPU in one harness. An iPhone's differ; the
# order of magnitude, and so the verdict on very small and very large graphs, does not.
CALL_MS = 0.23
"""A call of Core ML that runs on the Neural Engine, with nothing to compute."""

ENGINE_GFLOPS = 1711
"""fp16, attention blocks of a ViT with 197 tokens."""

CPU_GFLOPS = 2 * 64 * 256 * 256 / 0.026e-3 / 1e9
"""fp32, a product of 64 x 256 x 256 in 0.026 ms: about the size of a small ViT's layers."""

_CLEARLY = 1.25
"""Estimates that are nearer to each other than this say nothing."""


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph whose multiply-adds are known, and one for an image's calls."""
    known = [graph for graph in target.graphs if graph.macs]
    for graph in known:
        severity, verdict, advice = _verdict(_on_engine(graph), _on_cpu(graph))
        text = (
            f"{verdict}: {work(2 * graph.macs)} are about {duration(_on_engine(graph))} there "
            f"with the call, against {duration(_on_cpu(graph))} on the CPU{advice}"
        )
        yield Finding(severity, NEURAL_ENGINE, text, graph.name)
    # Each stage is one call, whichever route an image takes.
    stages = {graph.stage: graph for graph in known}
    if len(stages) > 1:
        calls, total = len(stages) * CALL_MS, sum(map(_on_engine, stages.values()))
        yield Finding(
            "info",
            CORE_ML,
            f"An image takes {len(stages)} calls, one a stage: {duration(calls)} of an estimated "
            f"{duration(total)} on the Neural Engine; fewer routed stages mean fewer calls",
        )


def _verdict(engine: float, cpu: float) -> tuple[Severity, str, str]:
    """Where a graph of these milliseconds is probably quicker, and what to do."""
    if cpu * _CLEARLY < engine:
        keep = "; keep it on the CPU (compute units cpuOnly)"
        return "warning", "Too small for the Neural Engine", keep
    if cpu < engine * _CLEARLY:
        return "info", "As good on the CPU as on the Neural Engine", "; measure both"
    return "info", "Large enough for the Neural Engine", ""


def _on_engine(graph: GraphView) -> float:
    """Milliseconds on the Neural Engine."""
    return CALL_MS + 2 * graph.macs / ENGINE_GFLOPS / 1e6


def _on_cpu(graph: GraphView) -> float:
    """Milliseconds on the CPU."""
    return 2 * graph.macs / CPU_GFLOPS / 1e6


PART = EngineRule(
    name="dispatch-cost",
    looks_at="multiply-adds of each graph, and stages",
    says="which graphs are too small for the Neural Engine, and what an image's calls cost",
    gravity="clearly quicker on the CPU: `warning`; else `info`",
    reason="A call of the Neural Engine costs about 0.2 ms whatever it computes, and Core ML "
    "itself places small programs on the CPU.",
    sources=(
        ANE_GUIDE.at("chapters 11 and 18, figures of an M1"),
        issue("aosama/astronomical", 540),
        Source(
            "a transformer of 50 thousand parameters that was placed on the CPU whole",
            "https://ask-meridian.uk/blog/apple-neural-engine-eligibility-vs-placement/",
        ),
    ),
    check=on_neural_engine(_check),
)
