"""Rewrite `double-negation`: what is negated twice is what it was."""

import torch

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, source_of

_NEG = torch.ops.aten.neg.default


@rewrite("double-negation", need="one-partition", order=150, replaces=("neg", "Neg"))
def double_negation(graph: AtenGraph) -> int:
    """What is negated twice is what it was.

    Before::

        x -> neg -> neg -> y

    After::

        y = x
    """
    changed = 0
    for node in graph.find(_NEG):
        source = source_of(node)
        if source.target == _NEG:
            graph.replace(node, source_of(source))
            changed += 1
    return changed


PART = double_negation
