"""What a rewrite is, and the registry of all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from mvmoe_export.rewrites.graph import AtenGraph

Apply = Callable[[AtenGraph], int]


@dataclass(frozen=True)
class Rewrite:
    """A change of a graph that keeps what it computes.

    Invariants:

    - The graph before and after gives the same values, up to `error` relative to the largest.
    - It matches operators, never module classes or names of weights.
    - What it does not recognise it leaves as it is.
    - A second application changes nothing more.
    - Values of weights are never looked at: what is done for one expert is done for all.
    """

    name: str
    apply: Apply
    """Changes the graph in place; gives the number of places that were changed."""
    error: float
    """0 where only the order of memory changes."""

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.apply.__doc__ or "").strip().splitlines()[0]


REWRITES: dict[str, Rewrite] = {}


def rewrite(name: str, error: float = 0.0) -> Callable[[Apply], Apply]:
    """Register a function as a rewrite."""

    def register(apply: Apply) -> Apply:
        REWRITES[name] = Rewrite(name, apply, error)
        return apply

    return register
