"""What is likely to slow a bundle's graphs down on a phone, without a phone.

`advise` looks at what an export wrote and compares it with what is publicly known of the engines.
Everything it says is an estimate: `mvmoe bench` on the device is what measures. The rules, each
with its reason and source, are listed in `docs/placement.md`.
"""

from mvmoe_bench.advice.advice import Estimates, advise, all_rules
from mvmoe_bench.advice.contract import (
    AdviceRule,
    Finding,
    GraphView,
    TargetView,
)
from mvmoe_export.graph_operators import Op, OperatorTensor

__all__ = [
    "AdviceRule",
    "Estimates",
    "Finding",
    "GraphView",
    "Op",
    "OperatorTensor",
    "TargetView",
    "advise",
    "all_rules",
]
