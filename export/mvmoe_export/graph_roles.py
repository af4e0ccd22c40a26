"""What the outputs of a graph are for."""

import msgspec


class GraphRoles(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph's outputs are for: the layers that give some of them stay precise."""

    outputs: tuple[str, ...] = ()
    """The names of all outputs, in order."""
    routers: frozenset[str] = frozenset()
    """Those that are logits of routers."""
    inner_routers: frozenset[str] = frozenset()
    """Those that are logits of routers whose gates the graph computes by itself."""
    answers: frozenset[str] = frozenset()
    """Those that are outputs of the model, or that may be."""
