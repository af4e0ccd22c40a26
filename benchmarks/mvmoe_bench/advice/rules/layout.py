"""Tokens as [B, S, C] in linear layers, where Apple's recipe is [B, C, 1, S] in convolutions."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.engine_rule import NEURAL_ENGINE, EngineRule, on_neural_engine
from mvmoe_export.sources import APPLE_RULES, APPLE_TRANSFORMERS

_AXES_OF_TOKENS = 3


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a target with linear layers over tokens."""
    linear = [op for graph in target.graphs for op in graph.known if op.type == "linear"]
    count = sum(any(out.rank == _AXES_OF_TOKENS for out in op.outputs) for op in linear)
    if count:
        yield Finding(
            "info",
            NEURAL_ENGINE,
            f"{count} linear layers take tokens as [B, S, C]; Apple's recipe is [B, C, 1, S] "
            "with 1 x 1 convolutions, which no rewrite makes yet: should a Mac's placement show "
            "little on the Neural Engine, write the model so",
        )


PART = EngineRule(
    name="layout",
    looks_at="linear layers over tokens as [B, S, C]",
    says="Apple's recipe is [B, C, 1, S] with 1 x 1 convolutions",
    gravity="`info`",
    reason="The Neural Engine's own form is four axes, channels first, with convolutions of 1 x 1 "
    "in the place of linear layers and attention head by head; Apple reports up to 10 times for "
    "one model.",
    sources=(APPLE_TRANSFORMERS, APPLE_RULES),
    check=on_neural_engine(_check),
)
