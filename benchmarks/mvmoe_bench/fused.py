"""Whole models as single modules, for models with one routed stage: the rivals of `dispatch`.

Each is composed of the model's own stages and shares their parameters. Importing this module
imports PyTorch.
"""

import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route, RoutingRule
from mvmoe_export.gather import GatheredExperts


def rule_of(model: RoutedModel) -> RoutingRule:
    """The rule of the one routed stage; raises InputError if there are none or several."""
    if len(model.routing) != 1:
        raise InputError(
            f"{type(model).__name__} has {len(model.routing)} routed stages; this benchmark "
            "compares models with one, such as the preset mobile_vmoe_12x192_p32_224"
        )
    return model.routing[0]


class KnownRoute(nn.Module):
    """The oracle: the stem, softmax, and the step of a route that is known beforehand."""

    def __init__(self, model: RoutedModel, route: Route) -> None:
        super().__init__()
        self.rule = rule_of(model)
        self.stem = model.stage(0, ())
        self.step = model.stage(1, route)
        # A buffer, not a number in the code: the graphs of all routes then have one structure.
        self.register_buffer("route", torch.tensor(route))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to the answer `[B, classes]`."""
        tokens, logits = self.stem(image)
        gates = logits.softmax(dim=-1).index_select(1, self.route)
        return self.step(tokens, _renormalized(gates, self.rule))


class AllExperts(nn.Module):
    """Routing in the graph, every expert computed, those that were not selected masked by zeros.

    This is what tracing a model gives. Attention, which the experts share, is computed once.
    """

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rule = rule_of(model)
        self.stem = model.stage(0, ())
        self.step = model.stage(1, tuple(range(self.rule.experts)))

    def forward(self, image: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to the answer `[B, classes]`."""
        tokens, logits = self.stem(image)
        experts, gates = _top_k(logits, self.rule)
        return self.step(tokens, torch.zeros_like(logits).scatter(1, experts, gates))


class Gather(nn.Module):
    """Routing in the graph, which then gathers the selected experts' weights: one image a time."""

    def __init__(self, model: RoutedModel) -> None:
        super().__init__()
        self.rule = rule_of(model)
        self.stem = model.stage(0, ())
        self.step = GatheredExperts(model, 1)

    def forward(self, image: Tensor) -> Tensor:
        """One image `[1, C, H, W]` to the answer `[1, classes]`."""
        tokens, logits = self.stem(image)
        experts, gates = _top_k(logits, self.rule)
        return self.step(tokens, gates, experts)


def _top_k(logits: Tensor, rule: RoutingRule) -> tuple[Tensor, Tensor]:
    """Experts, ascending, and their gates `[B, k]` of router logits `[B, E]`."""
    gates, experts = logits.softmax(dim=-1).topk(rule.k, dim=-1)
    if rule.k > 1:
        experts, order = experts.sort(dim=-1)
        gates = gates.gather(1, order)
    return experts, _renormalized(gates, rule)


def _renormalized(gates: Tensor, rule: RoutingRule) -> Tensor:
    """Gates as the rule wants them."""
    return gates / gates.sum(dim=-1, keepdim=True) if rule.renormalize else gates
