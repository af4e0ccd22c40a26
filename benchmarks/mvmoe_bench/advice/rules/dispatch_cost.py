"""The time of a graph against the cost of calling it: what is too small for the Neural Engine."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, GraphView, TargetView
from mvmoe_bench.advice.rules.engines import CORE_ML, NEURAL_ENGINE, is_core_ml
from mvmoe_bench.advice.rules.wording import duration, work

# Of an M1, whose figures are public for engine and CPU in one harness. An iPhone's differ; the
# order of magnitude, and so the verdict on very small and very large graphs, does not.
_CALL_MS = 0.23
"""A call of Core ML that runs on the Neural Engine, with nothing to compute."""

_ENGINE_GFLOPS = 1711
"""fp16, attention blocks of a ViT with 197 tokens."""

_CPU_GFLOPS = 2 * 64 * 256 * 256 / 0.026e-3 / 1e9
"""fp32, a product of 64 x 256 x 256 in 0.026 ms: about the size of a small ViT's layers."""

_CLEARLY = 1.25
"""Estimates that are nearer to each other than this say nothing."""


class DispatchCost:
    """Small graphs: the call costs more than what the Neural Engine saves."""

    name = "dispatch-cost"
    reason = (
        "A call of the Neural Engine costs about 0.2 ms whatever it computes, and Core ML itself "
        "places small programs on the CPU."
    )
    source = (
        f"{sources.ANE_GUIDE}, chapters 11 and 18, figures of an M1; aosama/astronomical#540 "
        "(https://github.com/aosama/astronomical/issues/540); a transformer of 50 thousand "
        "parameters that was placed on the CPU whole "
        "(https://ask-meridian.uk/blog/apple-neural-engine-eligibility-vs-placement/)"
    )

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph whose multiply-adds are known, and one for an image's calls."""
        if not is_core_ml(target):
            return
        known = [graph for graph in target.graphs if graph.macs]
        for graph in known:
            yield _graph(graph)
        if len({graph.stage for graph in known}) > 1:
            yield _image(known)


def _graph(graph: GraphView) -> Finding:
    """Where one graph is probably quicker."""
    engine, cpu = _on_engine(graph), _on_cpu(graph)
    estimate = (
        f"{work(2 * graph.macs)} are about {duration(engine)} there with the call, against "
        f"{duration(cpu)} on the CPU"
    )
    if cpu * _CLEARLY < engine:
        text = (
            f"Too small for the Neural Engine: {estimate}; keep it on the CPU (compute units "
            "cpuOnly)"
        )
        return Finding("warning", NEURAL_ENGINE, text, graph.name)
    if cpu < engine * _CLEARLY:
        text = f"As good on the CPU as on the Neural Engine: {estimate}; measure both"
        return Finding("info", NEURAL_ENGINE, text, graph.name)
    return Finding(
        "info", NEURAL_ENGINE, f"Large enough for the Neural Engine: {estimate}", graph.name
    )


def _image(graphs: list[GraphView]) -> Finding:
    """What the calls of one image cost together: each stage is one, whichever route it takes."""
    stages = {graph.stage: graph for graph in graphs}
    total = sum(map(_on_engine, stages.values()))
    calls = len(stages) * _CALL_MS
    return Finding(
        "info",
        CORE_ML,
        f"An image takes {len(stages)} calls, one a stage: {duration(calls)} of an estimated "
        f"{duration(total)} on the Neural Engine; fewer routed stages mean fewer calls",
    )


def _on_engine(graph: GraphView) -> float:
    """Milliseconds on the Neural Engine."""
    return _CALL_MS + 2 * graph.macs / _ENGINE_GFLOPS / 1e6


def _on_cpu(graph: GraphView) -> float:
    """Milliseconds on the CPU."""
    return 2 * graph.macs / _CPU_GFLOPS / 1e6


PART = DispatchCost()
