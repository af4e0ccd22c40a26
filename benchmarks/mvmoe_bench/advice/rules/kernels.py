"""Convolutions whose windows are too wide for the Neural Engine: a ViT's patches."""

from collections.abc import Iterator

from mvmoe_bench.advice.contract import GraphView, Severity
from mvmoe_bench.advice.engine_rule import EngineRule, graphs_on_neural_engine
from mvmoe_bench.advice.sources import ANE_GUIDE
from mvmoe_export.sources import APPLE_RULES, issue

_WIDEST, _WIDEST_A13 = 16, 13
"""In fp16: from the A14 on, and on the A13 and M1."""


def _say(graph: GraphView) -> Iterator[tuple[Severity, str]]:
    """What there is to say of each convolution."""
    for op in graph.known:
        if not op.kernel or op.kernel[-1] <= _WIDEST_A13:
            continue
        window = " x ".join(map(str, op.kernel))
        share = f", {op.macs / graph.macs:.0%} of the graph's multiply-adds," if op.macs else ""
        wide = f"A convolution with a window of {window}{share} is wider than the"
        if op.kernel[-1] > _WIDEST:
            yield (
                "warning",
                f"{wide} {_WIDEST} that the Neural Engine takes, and may run on the CPU or GPU; "
                "look at its placement on a Mac, and if so cut patches by reshaping and project "
                "them with a linear layer",
            )
        else:
            yield (
                "info",
                f"{wide} {_WIDEST_A13} that the Neural Engines of the A13 and M1 take; from the "
                "A14 on it fits",
            )


PART = EngineRule(
    name="kernels",
    looks_at=f"convolutions with windows wider than {_WIDEST_A13}",
    says=f"fits from the A14 on up to {_WIDEST}; beyond that, look at its placement",
    gravity=f"{_WIDEST_A13 + 1} to {_WIDEST}: `info`; wider: `warning`",
    reason="The width of a convolution's window is limited in fp16: 13 on the A13 and M1, 16 from "
    "the A14 on (another reading of the same compiler: 15 on the M5); a wider one runs elsewhere, "
    "or is taken apart. RF-DETR's windows of 16 ran on an M3's Neural Engine.",
    sources=(
        ANE_GUIDE.at("chapters 4 and 17"),
        APPLE_RULES.at("which advise against wide windows"),
        issue("hollance/neural-engine", 2),
    ),
    check=graphs_on_neural_engine(_say),
)
