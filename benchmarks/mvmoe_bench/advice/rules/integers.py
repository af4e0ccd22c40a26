"""Operators on whole numbers, for which an accelerator has no arithmetic."""

from operator import attrgetter

from mvmoe_bench.advice.engine_rule import accelerator_rule, of_operators
from mvmoe_export.graph_operators import Op
from mvmoe_export.neural_engine import NEURAL_ENGINE


def _is_integer(op: Op, dtypes: frozenset[str]) -> bool:
    """Whether all that it gives are numbers of these types."""
    return bool(op.outputs) and all(tensor.dtype in dtypes for tensor in op.outputs)


PART = accelerator_rule(
    "integers",
    NEURAL_ENGINE.no_arithmetic,
    of_operators(
        attrgetter("no_arithmetic"),
        _is_integer,
        "{types} give whole numbers, which the {unit} does not compute; compute indices on the "
        "host or at export",
        leaving=False,
    ),
    looks_at="operators whose results are whole numbers",
    says="compute indices at export or on the host",
)
