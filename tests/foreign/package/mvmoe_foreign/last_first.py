"""Strategy `last-first`: a graph each route, which takes the gates in the reverse order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.strategies import Build, Strategy, TensorType

if TYPE_CHECKING:
    from torch import Tensor, nn


class LastFirst(Strategy):
    """The gate of the last expert of the route comes first."""

    name: ClassVar[str] = "last-first"

    def graphs(self, rule: Rule) -> Iterator[Route | None]:
        """One for every route."""
        yield from rule.routes()

    def serving(self, route: Route) -> tuple[Route | None, ...]:
        """The route's own."""
        return (route,)

    def inputs(self, rule: Rule, graph: Route | None, batch: int) -> dict[str, TensorType]:
        """A gate for each expert of the route."""
        assert graph is not None
        return {"gates": TensorType((batch, len(graph)), "float32")}

    def write(
        self,
        inputs: Mapping[str, np.ndarray],
        position: int,
        route: Route,
        gates: Sequence[float],
    ) -> None:
        """The gates, turned round."""
        inputs["gates"][position] = gates[::-1]

    def module(self, rule: Rule, graph: Route | None, build: Build) -> "nn.Module":
        """The model's own module, on gates that are turned back."""
        from torch import nn

        assert graph is not None
        stage = build(graph)

        class TurnedBack(nn.Module):
            """The stage of a route."""

            def __init__(self) -> None:
                super().__init__()
                self.stage = stage

            def forward(self, *inputs: "Tensor") -> Any:
                """The stage's outputs for its tensors and gates `[B, k]`."""
                *tensors, gates = inputs
                return self.stage(*tensors, gates.flip(1))

        return TurnedBack()


PART = LastFirst()
