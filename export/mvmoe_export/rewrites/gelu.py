"""Rewrite `gelu-tanh`: GELU in its tanh form."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument

_ATEN = torch.ops.aten
_A = 0.7978845608028654
"""sqrt(2 / pi)."""
_B = 0.044715


@rewrite("gelu-tanh", error=1e-3)
def gelu_tanh(graph: AtenGraph) -> int:
    """GELU in its tanh form (Hendrycks and Gimpel, arXiv 1606.08415, section 2).

    Before::

        x -> gelu -> y

    After::

        y = 0.5 * x * (1 + tanh(sqrt(2 / pi) * x * (1 + 0.044715 * x * x)))

    For engines without erf. Error: up to 5e-4 at each GELU, unless the model was trained with this
    form, which is then only written out.
    """
    changed = 0
    for node in graph.find(_ATEN.gelu.default):
        build, x = graph.before(node), node.args[0]
        square = build(_ATEN.mul.Tensor, x, x)
        curve = build(_ATEN.add.Tensor, build(_ATEN.mul.Tensor, square, _A * _B), _A)
        bent = build(_ATEN.tanh.default, build(_ATEN.mul.Tensor, x, curve))
        half = build(_ATEN.mul.Tensor, x, 0.5)
        result = build(_ATEN.mul.Tensor, half, build(_ATEN.add.Tensor, bent, 1.0))
        graph.replace(node, result)
        changed += 1
    return changed


def is_tanh(graph: AtenGraph) -> bool:
    """Whether every GELU of a graph has its tanh form from the model itself."""
    forms = [argument(node, 1, "approximate", "none") for node in graph.find(_ATEN.gelu.default)]
    return all(form == "tanh" for form in forms)
