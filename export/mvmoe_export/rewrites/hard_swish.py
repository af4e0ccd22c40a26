"""Rewrite `hard-swish`: a hard swish, written out."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, source_of

_ATEN = torch.ops.aten


@rewrite(
    "hard-swish",
    need="no-hard-swish",
    order=320,
    error=1e-6,
    replaces=("hardswish", "hardsigmoid", "HardSwish", "HardSigmoid"),
)
def hard_swish(graph: AtenGraph) -> int:
    """A hard swish, written out for engines without an operator for it or for its hard sigmoid.

    Before::

        x -> hardswish -> y

    After::

        y = x * clamp(x + 3, 0, 6) * (1 / 6)

    Error: the rounding of these steps.
    """
    changed = 0
    for node in graph.find(_ATEN.hardswish.default):
        build, x = graph.before(node), source_of(node)
        ramp = build(_ATEN.clamp.default, build(_ATEN.add.Tensor, x, 3.0), 0.0, 6.0)
        product = build(_ATEN.mul.Tensor, x, build(_ATEN.mul.Tensor, ramp, 1 / 6))
        graph.replace(node, product)
        changed += 1
    return changed


PART = hard_swish
