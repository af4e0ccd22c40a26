"""Tensors with more axes than an engine takes, or than its accelerator is laid out for."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import EngineRule
from mvmoe_bench.advice.wording import counted
from mvmoe_export.sources import ANE_GUIDE, APPLE_TRANSFORMERS, CORE_ML_AXES, as_text, issue

_MANY = 4
"""What every engine takes, and every accelerator is laid out for unless it says otherwise."""


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph that has such tensors."""
    engine, unit = target.engine, target.accelerator
    if engine is None or engine.most_axes is None:
        return
    laid_out = unit.axes if unit is not None else None
    least = engine.most_axes if laid_out is None else laid_out.value
    sources = engine.axes_sources if laid_out is None else laid_out.sources
    for graph in target.graphs:
        ranks = {op: max((each.rank for each in op.tensors), default=0) for op in graph.known}
        highest = max(ranks.values(), default=0)
        if highest > least:
            wide = Counter(op.type for op in graph.known if ranks[op] > min(least, _MANY))
            yield Finding(
                "problem" if highest > engine.most_axes else "warning",
                engine.unit,
                f"Tensors of up to {highest} axes at {counted(wide)}; export it with the rewrite "
                "rank (a default, without --rewrites), or fold axes in the model",
                graph.name,
                source=as_text(sources) or None,
            )


PART = EngineRule(
    name="rank",
    looks_at=f"tensors of more than {_MANY} axes",
    says="use the rewrite `rank`",
    gravity="more than the engine takes: `problem`; Core ML with 5: `warning`",
    reason="NNAPI's operators take at most 4 axes and Core ML's at most 5; the Neural Engine is "
    "laid out for 4, and its linear layers refuse 5.",
    sources=(
        issue("microsoft/onnxruntime", 12979, note="NNAPI's check of dimensions"),
        CORE_ML_AXES,
        APPLE_TRANSFORMERS,
        ANE_GUIDE.at("chapter 17"),
    ),
    check=_check,
)
