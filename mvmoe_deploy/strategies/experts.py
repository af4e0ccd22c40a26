"""The strategy `experts`: a graph for every expert, and one that joins those of a route.

A stage of many routes has few graphs this way, and weights are constants in each of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies.contract import Build, Strategy, Suitability, TensorType, slot_of

if TYPE_CHECKING:
    from torch import nn


class ExpertsStrategy(Strategy):
    """An expert's graph takes tensors alone; the joining one what experts gave and gates `[B, k]`.

    k is the length of the longest route.
    """

    name: ClassVar[str] = "experts"
    separates_experts: ClassVar[bool] = True

    def graphs(self, rule: Rule) -> Iterator[Route | None]:
        """One for every expert, then the one that joins."""
        yield from ((expert,) for expert in rule.usable)
        yield None

    def serving(self, route: Route) -> tuple[Route | None, ...]:
        """Those of the route's experts, then the one that joins."""
        return (*((expert,) for expert in route), None)

    def slots(self, rule: Rule) -> int:
        """One for each expert of the longest route."""
        return rule.longest

    def is_needed(self, rule: Rule, graph: Route | None, finishes: Collection[Route]) -> bool:
        """Whether an expert is computed: one that a longer route may have always is."""
        return graph not in finishes or self.slots(rule) > 1

    def label(self, rule: Rule, graph: Route | None) -> str:
        """`join`, of the one that joins."""
        return "join" if graph is None else ""

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """Nothing for an expert; a gate for each slot where they are joined."""
        if graph is not None:
            return {}
        return {"gates": TensorType((batch, rule.longest), "float32")}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The gates; a shorter route is filled up with gates of 0 and outputs of 0.

        What stands in a slot from an image before may not be finite, and would not be so times 0.
        """
        row = inputs["gates"][position]
        row[: len(route)] = gates
        if len(route) == len(row):
            return
        row[len(route) :] = 0
        for name, array in inputs.items():
            slot = slot_of(name)
            if slot is not None and slot >= len(route):
                array[position] = 0

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """The model's own module of the expert, or of the join."""
        return build(graph or ())

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """Where experts differ in more than weights, so that none can stand in another's place."""
        experts = sum(len(rule.usable) for rule in rules)
        return Suitability(20, f"a graph for each of {experts} experts, and one that joins them")


PART = ExpertsStrategy()
