"""Convolutions whose weights are no constants, which leave an accelerator."""

from operator import attrgetter

from mvmoe_bench.advice.engine_rule import accelerator_rule, of_operators
from mvmoe_export.graph_operators import Op
from mvmoe_export.neural_engine import NEURAL_ENGINE


def _is_dynamic(op: Op, types: frozenset[str]) -> bool:
    """Whether it is one of these types, and its weights are no constants."""
    return op.dynamic and op.type in types


PART = accelerator_rule(
    "dynamic-convolutions",
    NEURAL_ENGINE.dynamic_leaves,
    of_operators(
        attrgetter("dynamic_leaves"),
        _is_dynamic,
        "{types} with weights that are no constants will probably not run on the {unit}; give each "
        "expert a graph of its own",
    ),
    looks_at="convolutions whose weight or bias is an input of the program, or gathered",
    says="give each expert a graph of its own",
)
