"""The strategy `all-experts`: one graph computes every expert; gates of 0 mask the others.

This is what tracing a model gives, and the baseline that other strategies are compared with.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies.contract import Build, Strategy, Suitability, TensorType

if TYPE_CHECKING:
    from torch import Tensor, nn


class AllExpertsStrategy(Strategy):
    """The graph takes a gate for every expert `[B, E]`, 0 for those that are not on the route."""

    name: ClassVar[str] = "all-experts"
    routes_in_graph: ClassVar[bool] = True

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """A gate for each expert of the stage."""
        return {"gates": TensorType((batch, rule.experts), "float32")}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The gates at the places of their experts, 0 elsewhere."""
        row = inputs["gates"][position]
        row[:] = 0
        for expert, gate in zip(route, gates, strict=True):
            row[expert] = gate

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """The model's own module for a route of all experts."""
        return build(tuple(range(rule.experts)))

    def selected(self, experts: "Tensor", gates: "Tensor", rule: Rule) -> "tuple[Tensor, ...]":
        """A gate for each expert."""
        every = gates.new_zeros((len(gates), rule.experts))
        return (every.scatter(1, experts, gates),)

    def suits(self, rules: Sequence[Rule]) -> Suitability | None:
        """Last: it computes what no image needs."""
        return Suitability(40, "every expert is computed for every image, for want of another way")


PART = AllExpertsStrategy()
