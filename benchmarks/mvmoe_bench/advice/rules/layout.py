"""Tokens as [B, S, C] in linear layers, where an accelerator's maker lays them out otherwise."""

from operator import attrgetter

from mvmoe_bench.advice.contract import TargetView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_targets
from mvmoe_export.accelerator import Accelerator
from mvmoe_export.neural_engine import NEURAL_ENGINE

_AXES_OF_TOKENS = 3


def _say(target: TargetView, recipe: str, unit: Accelerator) -> Said:
    """How many linear layers over tokens a target has."""
    linear = [op for graph in target.graphs for op in graph.known if op.type == "linear"]
    count = sum(any(out.rank == _AXES_OF_TOKENS for out in op.outputs) for op in linear)
    if count:
        yield (
            "info",
            f"{count} linear layers take tokens as [B, S, C]; {recipe}, which no rewrite makes "
            f"yet: should a Mac's placement show little on the {unit.title}, write the model so",
        )


PART = accelerator_rule(
    "layout",
    NEURAL_ENGINE.layout,
    of_targets(attrgetter("layout"), _say),
    looks_at="linear layers over tokens as [B, S, C]",
    says="Apple's recipe is [B, C, 1, S] with 1 x 1 convolutions",
    gravity="`info`",
)
