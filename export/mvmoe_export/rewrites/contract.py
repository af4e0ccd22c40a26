"""What a rewrite is."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import fx

from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_export.engine_facts import Need
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
    need: Need
    """Which need of an engine it serves: targets apply it for engines that have this need."""
    order: tuple[int, ...]
    """Where it comes among the others, lowest first; a rewrite with two numbers is applied twice.

    From 0 on: how views are said; from 100: arithmetic and the parts of tensors; from 200: layers
    in primitives; from 300: activations; from 400: what must see the result of all others.
    """
    error: float = 0.0
    """0 where only the order of memory changes."""
    bounds: Bounds | None = None
    """How far a model may then be from PyTorch, where it computes something else on purpose."""
    only_if: Callable[[fx.Graph], bool] | None = None
    """Whether a graph as it was captured has something for the rewrite to find; None for those that
    look at every graph. As with `only_with`, which asks for single operators."""
    only_with: frozenset[str] = frozenset()
    """PyTorch's operators of which a graph has to have one for the rewrite to find anything, as
    `torch.ops.aten` names them without their overloads; none for those that look at every graph.

    A graph for which no rewrite is left stays as it was captured, with operators that PyTorch would
    take apart before the rewrites see it.
    """
    replaces: frozenset[str] = frozenset()
    """Operators that it removes, by the names that engines have for them: ExecuTorch's edge
    dialect without its overloads, and ONNX."""

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.apply.__doc__ or "").strip().splitlines()[0]


def rewrite(
    name: str,
    *,
    need: Need,
    order: int | tuple[int, ...],
    error: float = 0.0,
    bounds: Bounds | None = None,
    only_with: tuple[str, ...] = (),
    only_if: Callable[[fx.Graph], bool] | None = None,
    replaces: tuple[str, ...] = (),
) -> Callable[[Apply], Rewrite]:
    """Make a function a rewrite."""
    orders = (order,) if isinstance(order, int) else order

    def make(apply: Apply) -> Rewrite:
        return Rewrite(
            name,
            apply,
            need,
            orders,
            error,
            bounds,
            only_with=frozenset(only_with),
            only_if=only_if,
            replaces=frozenset(replaces),
        )

    return make
