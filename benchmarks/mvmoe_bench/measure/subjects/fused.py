"""Whole models as single modules: the rivals of `dispatch`.

Each is composed of the model's own stages and shares their parameters. Importing this module
imports PyTorch.
"""

from functools import partial

import torch
from torch import Tensor, nn

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing.contract import GraphRule
from mvmoe_deploy.strategies import find_strategy


class StaticRoute(nn.Module):
    """The oracle: the stem, and for each routed stage softmax and the step of a known route."""

    def __init__(self, model: RoutedModel, routes: Routes) -> None:
        super().__init__()
        self.rules = _graph_rules(model)
        self.stem = model.stage(0, ())
        self.steps = _steps(model, routes)
        for number, route in enumerate(routes):
            # A buffer, not a number in the code: the graphs of all routes have one structure then.
            self.register_buffer(f"route_{number}", torch.tensor(route))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to the answer `[B, classes]`."""
        state = self.stem(image)
        for number, (step, rule) in enumerate(zip(self.steps, self.rules, strict=True)):
            tokens, logits = state
            route = self.get_buffer(f"route_{number}")
            state = step(tokens, rule.graph_gates(route, logits))
        answer: Tensor = state
        return answer


class AllExperts(nn.Module):
    """Routing in the graph, every expert computed, those that were not selected masked by zeros.

    This is what tracing a model gives. Attention, which the experts share, is computed once.
    """

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = _graph_rules(model)
        self.stem = model.stage(0, ())
        self.steps = _steps(model, tuple(tuple(range(rule.experts)) for rule in model.routing))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to the answer `[B, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            tokens, logits = state
            experts, gates = rule.graph_select(logits)
            state = step(tokens, torch.zeros_like(logits).scatter(1, experts, gates))
        answer: Tensor = state
        return answer


class Gather(nn.Module):
    """Routing in the graph, which then gathers the selected experts' weights: one image a time."""

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = _graph_rules(model)
        self.stem = model.stage(0, ())
        strategy = find_strategy("gather")
        self.steps = nn.ModuleList(
            strategy.module(rule, None, partial(model.stage, index))
            for index, rule in enumerate(model.routing, start=1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """One image `[1, C, H, W]` to the answer `[1, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            tokens, logits = state
            experts, gates = rule.graph_select(logits)
            state = step(tokens, gates, experts)
        answer: Tensor = state
        return answer


class Dense(nn.Module):
    """No routing: the layers that one image uses, on the first route, gates fixed.

    The multiply-accumulates are those of one image on one route, less the routers'; its answers
    mean nothing. For Mobile V-MoE with k = 1 this is the plain ViT of the same depth and width.
    """

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = model.routing
        self.stem = model.stage(0, ())
        self.steps = _steps(model, tuple(tuple(range(rule.longest)) for rule in model.routing))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to an answer `[B, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            gates = torch.full((len(image), rule.longest), 1 / rule.longest)
            state = step(state[0], gates)
        answer: Tensor = state
        return answer


def _steps(model: RoutedModel, routes: Routes) -> nn.ModuleList:
    """The routed steps of these routes."""
    return nn.ModuleList(model.stage(i, route) for i, route in enumerate(routes, start=1))


def _graph_rules(model: RoutedModel) -> list[GraphRule]:
    """The model's rules; raises InputError for one that cannot be a part of a graph."""
    rules = []
    for rule in model.routing:
        if not isinstance(rule, GraphRule):
            raise InputError(
                f"the rule {rule.name} has no form inside of a graph (see GraphRule), which this "
                "subject needs; leave the subject out"
            )
        rules.append(rule)
    return rules
