"""Rewrite `gelu-primitives`: a GELU of tanh form, written out."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, source_of

_ATEN = torch.ops.aten
_A = 0.7978845608028654
"""sqrt(2 / pi)."""
_B = 0.044715


@rewrite(
    "gelu-primitives",
    need="gelu-as-trained",
    order=310,
    error=1e-6,
    replaces=("gelu", "Gelu", "Erf"),
)
def gelu_primitives(graph: AtenGraph) -> int:
    """A GELU of tanh form, written out for engines without an operator for it.

    Before::

        x -> gelu(tanh) -> y

    After::

        y = 0.5 * x * (1 + tanh(x * (sqrt(2 / pi) + sqrt(2 / pi) * 0.044715 * x * x)))

    Error: the rounding of these steps.
    """
    changed = 0
    for node in graph.find(_ATEN.gelu.default):
        if argument(node, 1, "approximate", "none") != "tanh":
            continue
        build, x = graph.before(node), source_of(node)
        square = build(_ATEN.mul.Tensor, x, x)
        curve = build(_ATEN.add.Tensor, build(_ATEN.mul.Tensor, square, _A * _B), _A)
        bent = build(_ATEN.tanh.default, build(_ATEN.mul.Tensor, x, curve))
        half = build(_ATEN.mul.Tensor, x, 0.5)
        graph.replace(node, build(_ATEN.mul.Tensor, half, build(_ATEN.add.Tensor, bent, 1.0)))
        changed += 1
    return changed


PART = gelu_primitives
