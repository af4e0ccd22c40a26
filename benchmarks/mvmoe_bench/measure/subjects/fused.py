"""Whole models as single modules: the rivals of `dispatch`.

Each is composed of the model's own stages and shares their parameters. Importing this module
imports PyTorch.
"""

import torch
from torch import Tensor, nn

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Rule
from mvmoe_export.gather import GatheredExperts


class KnownRoute(nn.Module):
    """The oracle: the stem, and for each routed stage softmax and the step of a known route."""

    def __init__(self, model: RoutedModel, routes: Routes) -> None:
        super().__init__()
        self.rules = model.routing
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
            if rule.renormalize:  # Finite where all scores of the route underflow.
                gates = logits.index_select(1, route).softmax(dim=-1)
            else:
                gates = logits.softmax(dim=-1).index_select(1, route)
            state = step(tokens, gates)
        return state


class AllExperts(nn.Module):
    """Routing in the graph, every expert computed, those that were not selected masked by zeros.

    This is what tracing a model gives. Attention, which the experts share, is computed once.
    """

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = model.routing
        self.stem = model.stage(0, ())
        self.steps = _steps(model, tuple(tuple(range(rule.experts)) for rule in model.routing))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to the answer `[B, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            tokens, logits = state
            experts, gates = _top_k(logits, rule)
            state = step(tokens, torch.zeros_like(logits).scatter(1, experts, gates))
        return state


class Gather(nn.Module):
    """Routing in the graph, which then gathers the selected experts' weights: one image a time."""

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = model.routing
        self.stem = model.stage(0, ())
        count = len(model.routing)
        self.steps = nn.ModuleList(GatheredExperts(model, i) for i in range(1, count + 1))

    def forward(self, image: Tensor) -> Tensor:
        """One image `[1, C, H, W]` to the answer `[1, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            tokens, logits = state
            experts, gates = _top_k(logits, rule)
            state = step(tokens, gates, experts)
        return state


class Dense(nn.Module):
    """No routing: the layers that one image uses, on the first route, gates fixed.

    The multiply-accumulates are those of one image on one route, less the routers'; its answers
    mean nothing. For Mobile V-MoE with k = 1 this is the plain ViT of the same depth and width.
    """

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rules = model.routing
        self.stem = model.stage(0, ())
        self.steps = _steps(model, tuple(tuple(range(rule.k)) for rule in model.routing))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to an answer `[B, classes]`."""
        state = self.stem(image)
        for step, rule in zip(self.steps, self.rules, strict=True):
            gates = torch.full((len(image), rule.k), 1 / rule.k)
            state = step(state[0], gates)
        return state


def _steps(model: RoutedModel, routes: Routes) -> nn.ModuleList:
    """The routed steps of these routes."""
    return nn.ModuleList(model.stage(i, route) for i, route in enumerate(routes, start=1))


def _top_k(logits: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """Experts, ascending, and their gates `[B, k]` of router logits `[B, E]`."""
    gates, experts = logits.softmax(dim=-1).topk(rule.k, dim=-1)
    if rule.k > 1:
        experts, order = experts.sort(dim=-1)
        gates = gates.gather(1, order)
    return experts, _renormalized(gates, rule)


def _renormalized(gates: Tensor, rule: Rule) -> Tensor:
    """Gates as the rule wants them."""
    return gates / gates.sum(dim=-1, keepdim=True) if rule.renormalize else gates
