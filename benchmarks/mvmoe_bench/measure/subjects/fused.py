"""Whole models as single modules: the baselines of `dispatch`.

Each is composed of the model's own stages and shares their parameters. Importing this module
imports PyTorch.
"""

import itertools
from typing import ClassVar

import torch
from torch import Tensor, nn

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import declared_finishes
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export.composed import ComposedModel, graph_rule, require_all_stages
from mvmoe_export.in_graph import RoutedInside


class StaticRoute(ComposedModel):
    """The oracle: the stem, and for each routed stage softmax and the step of a known route."""

    def __init__(self, model: RoutedModel, routes: Routes) -> None:
        super().__init__(model, _steps(model, routes))
        self.rules = [graph_rule(rule) for rule in model.routing]
        for number, route in enumerate(routes):
            # A buffer, not a number in the code: the graphs of all routes have one structure then.
            self.register_buffer(f"route_{number}", torch.tensor(route))

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """The gates of the known route; of one that a caller chose without a router all are 1."""
        rule, route = self.rules[stage], self.get_buffer(f"route_{stage}")
        if rule is None:
            return (logits.new_ones((len(logits), len(route))),)
        return (rule.graph_gates(logits, lambda rows: rows.index_select(1, route)),)


class _RoutedInside(RoutedInside):
    """A model that routes in its graph, by one strategy."""

    strategy: ClassVar[str]

    def __init__(self, model: RoutedModel) -> None:
        super().__init__(model, find_strategy(self.strategy))


class AllExperts(_RoutedInside):
    """Routing in the graph, every expert computed, those that were not selected masked by zeros.

    This is what tracing a model gives. Attention, which the experts share, is computed once.
    """

    strategy = "all-experts"


class Gather(_RoutedInside):
    """Routing in the graph, which then gathers the selected experts' weights: one image a time."""

    strategy = "gather"


class Dense(ComposedModel):
    """No routing: the layers that one image uses, on the first route, gates fixed.

    The multiply-accumulates are those of one image on one route, less the routers'; its answers
    mean nothing. For Mobile V-MoE with k = 1 this is the plain ViT of the same depth and width.
    """

    def __init__(self, model: RoutedModel) -> None:
        require_all_stages(model)
        first = tuple(tuple(range(rule.longest)) for rule in model.routing)
        super().__init__(model, _steps(model, first))
        self.rules = model.routing

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """The same gate for each expert of the route."""
        longest = self.rules[stage].longest
        return (torch.full((len(logits), longest), 1 / longest),)


def _steps(model: RoutedModel, routes: Routes) -> nn.ModuleList:
    """The routed steps of these routes, up to one on which images are finished."""
    finishes = declared_finishes(model, model.routing)
    running = itertools.takewhile(
        lambda step: step[1] and step[1] not in finishes[step[0]], enumerate(routes, start=1)
    )
    return nn.ModuleList(model.stage(i, route) for i, route in running)
