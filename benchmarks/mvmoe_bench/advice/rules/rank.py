"""Tensors with more axes than an engine takes, or than the Neural Engine is laid out for."""

from collections import Counter
from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import NEURAL_ENGINE, EngineRule
from mvmoe_bench.advice.sources import ANE_GUIDE
from mvmoe_bench.advice.wording import counted
from mvmoe_export.sources import APPLE_TRANSFORMERS, CORE_ML_AXES, as_text, issue

_MANY = 4
"""What the Neural Engine is laid out for, and what every engine takes."""


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph that has such tensors."""
    engine = target.engine
    if engine is None or engine.most_axes is None:
        return
    least = _MANY if engine.neural_engine else engine.most_axes
    for graph in target.graphs:
        ranks = {op: max((each.rank for each in op.tensors), default=0) for op in graph.known}
        highest = max(ranks.values(), default=0)
        if highest > least:
            wide = Counter(op.type for op in graph.known if ranks[op] > _MANY)
            yield Finding(
                "problem" if highest > engine.most_axes else "warning",
                NEURAL_ENGINE if engine.neural_engine else engine.title,
                f"Tensors of up to {highest} axes at {counted(wide)}; export it with the rewrite "
                "rank (a default, without --rewrites), or fold axes in the model",
                graph.name,
                source=None if engine.neural_engine else as_text(engine.axes_sources),
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
