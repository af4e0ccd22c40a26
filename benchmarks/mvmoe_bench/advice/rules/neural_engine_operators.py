"""Operators that are known to leave the Neural Engine."""

from collections import Counter
from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml
from mvmoe_bench.advice.rules.wording import counted
from mvmoe_deploy.strategies import DEFAULT, find_strategy

_MEASURED = (
    "roboflow/rf-detr#1495, MLComputePlan on an M3 Pro "
    "(https://github.com/roboflow/rf-detr/pull/1495)"
)
_GATHERS = (
    "hollance/neural-engine, unsupported-layers.md (https://github.com/hollance/neural-engine/"
    "blob/master/docs/unsupported-layers.md); apple/coremltools#1103 "
    "(https://github.com/apple/coremltools/issues/1103); pytorch/executorch#19252"
)
_RECURRENT = (
    "apple/coremltools#1780, an Apple engineer (https://github.com/apple/coremltools/issues/1780)"
)
_NO_PATH = f"{sources.ANE_GUIDE}, chapter 4: no path on any chip from M1 to M5"

LEAVES: dict[str, str] = {
    **dict.fromkeys(("topk", "gather_along_axis"), _MEASURED),
    **dict.fromkeys(("gather", "gather_nd"), _GATHERS),
    **dict.fromkeys(("lstm", "gru", "rnn"), f"{_RECURRENT}; {_NO_PATH}"),
    **dict.fromkeys(
        (
            "scatter",
            "scatter_along_axis",
            "scatter_nd",
            "non_zero",
            "one_hot",
            "reduce_prod",
            "band_part",
            "reverse_sequence",
            "shape",
            "sliding_windows",
            "mod",
            "logical_and",
            "logical_or",
            "logical_xor",
            "random_normal",
            "random_bernoulli",
            "random_categorical",
            "tan",
            "asin",
            "acos",
            "atanh",
            "sinh",
            "cosh",
        ),
        _NO_PATH,
    ),
}
"""MIL's operator types, with where it is known from.

Left out on purpose: cumsum, where sources contradict each other, and argmax, which stays (see
`selection.py`).
"""


class NeuralEngineOperators:
    """Operators that Core ML runs on the CPU or GPU, wherever the rest of the graph runs."""

    name = "neural-engine-operators"
    reason = (
        "The graph is cut there: Core ML computes the operator elsewhere, and hands tensors over "
        "and back."
    )
    source = f"{_MEASURED}; {_GATHERS}; {_NO_PATH}"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a graph and source."""
        if not is_core_ml(target):
            return
        for graph in target.graphs:
            found = Counter(op.type for op in graph.ops or () if op.type in LEAVES)
            for source in dict.fromkeys(LEAVES[name] for name in sorted(found)):
                named = [name for name in sorted(found) if LEAVES[name] == source]
                yield Finding(
                    "warning", NEURAL_ENGINE, _text(target, found, named), graph.name, source=source
                )


def _text(target: TargetView, found: Counter[str], named: list[str]) -> str:
    """What is said of operators that share a source."""
    gathers = find_strategy(target.record.strategy).gathers_weights
    remedy = (
        f"export with --strategy {DEFAULT}, which gathers nothing"
        if gathers and any("gather" in name for name in named)
        else "write that part in other operators, or do it on the host"
    )
    types = counted({name: found[name] for name in named})
    return f"{types} will probably not run on the Neural Engine; {remedy}"


PART = NeuralEngineOperators()
