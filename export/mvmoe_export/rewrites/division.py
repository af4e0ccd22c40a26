"""Rewrite `division`: a division where a reciprocal was."""

from typing import Any

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, arguments, source_of, value

_ATEN = torch.ops.aten
_EXPONENTS: dict[Any, float] = {_ATEN.reciprocal.default: -1, _ATEN.rsqrt.default: -0.5}


@rewrite(
    "division", need="no-reductions", order=260, error=1e-6, replaces=("reciprocal", "Reciprocal")
)
def division(graph: AtenGraph) -> int:
    """A division where a reciprocal was, which NNAPI lacks.

    Before::

        x -> reciprocal | pow(-1) -> y          x -> rsqrt | pow(-0.5) -> y

    After::

        y = 1 / x                               y = 1 / sqrt(x)

    Error: the rounding of one division.
    """
    changed = 0
    for node in graph.find(*_EXPONENTS, _ATEN.pow.Tensor_Scalar):
        exponent = _EXPONENTS.get(node.target) or arguments(node)[1]
        build, source = graph.before(node), source_of(node)
        if exponent not in (-1, -0.5) or not value(source).is_floating_point():
            continue
        if exponent == -0.5:
            source = build(_ATEN.sqrt.default, source)
        one = build.constant("one", torch.ones(1, dtype=value(source).dtype))
        graph.replace(node, build(_ATEN.div.Tensor, one, source))
        changed += 1
    return changed


PART = division
