"""The routes that a graph with routers inside has taken, as the host sees them afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS, columns_of
from mvmoe_deploy.bundle.manifest import IN_GRAPH, Manifest, Target
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.contract import GraphRule
from mvmoe_deploy.runtime.buffers import InferenceBuffers


@dataclass(frozen=True)
class InnerRouting:
    """The rules of the routers inside of a graph, which gives their logits."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, manifest: Manifest, target: Target) -> Self | None:
        """That of a target; None for one whose routes the host selects."""
        return cls(manifest.rules) if target.routers == IN_GRAPH else None

    def logits(self, buffers: InferenceBuffers) -> list[np.ndarray]:
        """The logits `[E]` of each router for the first image, views of the buffers."""
        row = buffers.tensors[ROUTER_LOGITS][0]
        return [row[columns] for columns in columns_of(self.rules)]

    def steer(
        self, steering: np.ndarray, routes: Sequence[Route], run: Callable[[], list[np.ndarray]]
    ) -> None:
        """Write into `steering` `[sum of E]` what makes the first image take these routes.

        `run` runs the graph and gives the logits. Those of a router are what they will be only
        when the routers before it are steered: so it is asked once for each. Raises InputError for
        a route that no logits select.
        """
        for _ in self.rules:
            for logits, rule, route, columns in zip(
                run(), self.rules, routes, columns_of(self.rules), strict=True
            ):
                wanted = rule.logits_of(route) if isinstance(rule, GraphRule) else None
                if wanted is None:
                    raise InputError(
                        f"the route {list(route)} cannot be imposed on the router inside of a "
                        f"graph: no logits select it ({rule.describe()})",
                        code="routing.unknown-route",
                        route=list(route),
                    )
                steering[columns] = np.array(wanted, np.float32) - logits

    def selected(self, buffers: InferenceBuffers) -> tuple[list[Route], list[tuple[float, ...]]]:
        """The routes of the first image, and their gates, by the rules on those logits.

        The engine may have decided otherwise between experts that are as good as equal. Raises
        RoutingError for logits that are not finite.
        """
        pairs = zip(self.rules, self.logits(buffers), strict=True)
        selected = [rule.select_one(logits) for rule, logits in pairs]
        return [route for route, _ in selected], [gates for _, gates in selected]
