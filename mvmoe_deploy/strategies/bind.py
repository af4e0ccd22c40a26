"""The strategy `bind`: one graph for each length of route, the experts' weights are its inputs.

A graph serves every route of its length, so there are as few graphs as with one for all experts,
and yet an image reads no weights but those of its own route.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies.contract import (
    RouteModules,
    Suitability,
    shown_count,
)
from mvmoe_deploy.strategies.places import first_route

if TYPE_CHECKING:
    pass


class BindStrategy(RouteModules):
    """A graph takes the gates of its route `[B, k]`, then the weights of the expert at each place.

    All graphs are named by the first experts of their length. The images of one batch are of one
    route.
    """

    name: ClassVar[str] = "bind"
    separates_experts: ClassVar[bool] = True
    binds_weights: ClassVar[bool] = True

    def graphs(self, rule: Rule) -> Iterator[Route | None]:
        """One for every length."""
        yield from map(first_route, rule.lengths)

    def serving(self, route: Route) -> tuple[Route | None, ...]:
        """That of the route's length."""
        return (first_route(len(route)),)

    def is_needed(self, rule: Rule, graph: Route | None, finishes: Collection[Route]) -> bool:
        """Whether a route of its length runs."""
        return self.example(rule, graph, finishes) is not None

    def example(
        self, rule: Rule, graph: Route | None, finishes: Collection[Route] = ()
    ) -> Route | None:
        """The first route of its length that runs."""
        assert graph is not None
        routes = rule.routes_of(len(graph))
        return next((route for route in routes if route not in finishes), None)

    def label(self, rule: Rule, graph: Route | None) -> str:
        """`bind`, and the length where a rule has routes of several."""
        assert graph is not None
        return self.name if len(rule.lengths) == 1 else f"{self.name}_{len(graph)}"

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """Where a graph each route would be too many."""
        routes = shown_count(sum(rule.count() for rule in rules))
        lengths = sum(len(rule.lengths) for rule in rules)
        return Suitability(
            10,
            f"{lengths} graphs serve {routes} routes in {len(rules)} stages, the experts' weights "
            "being inputs; a graph for each route is faster where routes are few",
        )


PART = BindStrategy()
