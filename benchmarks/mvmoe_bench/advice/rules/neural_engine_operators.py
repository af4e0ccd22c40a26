"""Operators that Core ML runs on the CPU or GPU, wherever the rest of the graph runs."""

from collections import Counter
from collections.abc import Iterator, Mapping

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import NEURAL_ENGINE, EngineRule, on_neural_engine
from mvmoe_bench.advice.sources import ANE_GUIDE, RF_DETR
from mvmoe_bench.advice.wording import counted
from mvmoe_deploy.strategies import DEFAULT
from mvmoe_export.sources import Source, as_text, issue

_UNSUPPORTED = Source(
    "hollance/neural-engine, unsupported-layers.md",
    "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md",
)
_USERS = (_UNSUPPORTED, issue("apple/coremltools", 1103), issue("pytorch/executorch", 19252))
_NO_PATH = ANE_GUIDE.at("chapter 4: no path on any chip from M1 to M5")
_APPLE_ENGINEER = issue("apple/coremltools", 1780, note="an Apple engineer")

LEAVES: Mapping[str, tuple[Source, ...]] = {
    operator: sources
    for operators, sources in (
        ("topk gather_along_axis", (RF_DETR,)),
        ("gather gather_nd", _USERS),
        ("lstm gru rnn", (_APPLE_ENGINEER, _NO_PATH)),
        (
            "scatter scatter_along_axis scatter_nd non_zero one_hot reduce_prod band_part "
            "reverse_sequence shape sliding_windows mod logical_and logical_or logical_xor "
            "random_normal random_bernoulli random_categorical tan asin acos atanh sinh cosh",
            (_NO_PATH,),
        ),
    )
    for operator in operators.split()
}
"""MIL's operator types, with where it is known from.

Left out on purpose: cumsum, where sources contradict each other, and argmax, which stays (see
`selection.py`).
"""


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph and source."""
    for graph in target.graphs:
        by_source: dict[tuple[Source, ...], Counter[str]] = {}
        for op in graph.known:
            if op.type in LEAVES:
                by_source.setdefault(LEAVES[op.type], Counter())[op.type] += 1
        for sources, found in sorted(by_source.items(), key=lambda item: min(item[1])):
            text = f"{counted(found)} will probably not run on the Neural Engine; "
            text += _remedy(target, found)
            yield Finding("warning", NEURAL_ENGINE, text, graph.name, source=as_text(sources))


def _remedy(target: TargetView, found: Counter[str]) -> str:
    """What to do about operators that share a source."""
    if target.strategy.gathers_weights and any(name.startswith("gather") for name in found):
        return f"export with --strategy {DEFAULT}, which gathers nothing"
    return "write that part in other operators, or do it on the host"


PART = EngineRule(
    name="neural-engine-operators",
    looks_at="operators of Core ML programs that are known to leave the Neural Engine: "
    + ", ".join(f"`{name}`" for name in LEAVES),
    says="write them otherwise, or do it on the host",
    gravity="`warning`",
    reason="The graph is cut there: Core ML computes the operator elsewhere, and hands tensors "
    "over and back.",
    sources=(RF_DETR, *_USERS, _APPLE_ENGINEER, _NO_PATH),
    check=on_neural_engine(_check),
)
