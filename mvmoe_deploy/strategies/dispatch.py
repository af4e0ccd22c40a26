"""The strategy `dispatch`: a graph for every route, of which one runs."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies.contract import (
    RouteModules,
    Suitability,
    few_graphs,
)

if TYPE_CHECKING:
    pass


_FEW_GRAPHS = 64
"""Graphs that an export makes in a minute, and a phone keeps without being asked."""

_FEW_STAGES = 4


class DispatchStrategy(RouteModules):
    """Each graph holds the experts of its route alone, and takes their gates `[B, k]`."""

    name: ClassVar[str] = "dispatch"
    separates_experts: ClassVar[bool] = True

    def graphs(self, rule: Rule) -> Iterator[Route | None]:
        """One for every route."""
        yield from rule.routes()

    def serving(self, route: Route) -> tuple[Route | None, ...]:
        """The route's own."""
        return (route,)

    def example(
        self, rule: Rule, graph: Route | None, finishes: Collection[Route] = ()
    ) -> Route | None:
        """The graph's own."""
        return graph

    def is_needed(self, rule: Rule, graph: Route | None, finishes: Collection[Route]) -> bool:
        """Whether images on its route run anything."""
        return graph not in finishes

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """First, while all graphs are few: its weights are constants, which is the fastest."""
        count = few_graphs(self, rules, _FEW_GRAPHS)
        if count is None or len(rules) > _FEW_STAGES:
            return None
        if not rules:
            return Suitability(0, "the model has no routed stage, so there is one graph")
        return Suitability(
            0, f"a graph for each of {count} routes, whose weights are constants, is the fastest"
        )


PART = DispatchStrategy()
