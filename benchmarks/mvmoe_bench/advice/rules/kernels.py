"""Convolutions whose windows are too wide for an accelerator: a ViT's patches."""

from operator import attrgetter

from mvmoe_bench.advice.contract import GraphView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_graphs
from mvmoe_export.accelerator import Accelerator, Windows
from mvmoe_export.neural_engine import NEURAL_ENGINE


def _say(graph: GraphView, windows: Windows, unit: Accelerator) -> Said:
    """What there is to say of each convolution."""
    for op in graph.known:
        if not op.kernel or op.kernel[-1] <= windows.widest_on_old:
            continue
        window = " x ".join(map(str, op.kernel))
        share = f", {op.macs / graph.macs:.0%} of the graph's multiply-adds," if op.macs else ""
        wide = f"A convolution with a window of {window}{share} is wider than the"
        if op.kernel[-1] > windows.widest:
            yield (
                "warning",
                f"{wide} {windows.widest} that the {unit.title} takes, and may run on the CPU or "
                "GPU; look at its placement on a Mac, and if so cut patches by reshaping and "
                "project them with a linear layer",
            )
        else:
            yield (
                "info",
                f"{wide} {windows.widest_on_old} that the {unit.title}s of {windows.old} take; "
                f"from {windows.new} on it fits",
            )


PART = accelerator_rule(
    "kernels",
    NEURAL_ENGINE.windows,
    of_graphs(attrgetter("windows"), _say),
    looks_at="convolutions with windows wider than 13",
    says="fits from the A14 on up to 16; beyond that, look at its placement",
    gravity="14 to 16: `info`; wider: `warning`",
)
