"""How Apple lays transformers out for the Neural Engine, and how ours are."""

from collections.abc import Iterable

from mvmoe_bench.advice import sources
from mvmoe_bench.advice.contract import Finding, TargetView
from mvmoe_bench.advice.rules.engines import NEURAL_ENGINE, is_core_ml

_MOST_AXES = 3


class Layout:
    """Tokens as [B, S, C] with linear layers, where Apple's recipe is [B, C, 1, S] with convs."""

    name = "layout"
    reason = (
        "The Neural Engine's own form is four axes, channels first, with convolutions of 1 x 1 in "
        "the place of linear layers and attention head by head; Apple reports up to 10 times for "
        "one model."
    )
    source = f"{sources.APPLE_TRANSFORMERS}; {sources.APPLE_RULES}"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """One finding a target with linear layers over tokens."""
        if not is_core_ml(target):
            return
        count = sum(
            op.type == "linear" and any(tensor.rank == _MOST_AXES for tensor in op.outputs)
            for graph in target.graphs
            for op in graph.ops or ()
        )
        if count:
            yield Finding(
                "info",
                NEURAL_ENGINE,
                f"{count} linear layers take tokens as [B, S, C]; Apple's recipe is [B, C, 1, S] "
                "with 1 x 1 convolutions, which no rewrite makes yet: should a Mac's placement "
                "show little on the Neural Engine, write the model so",
            )


PART = Layout()
