"""Routing in PyTorch, with gradients: what models use in training and in eager runs."""

import torch
from torch import Tensor

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import members_of
from mvmoe_deploy.routing.rule_arithmetic import as_logits


def select(logits: Tensor, rule: Rule, route: Route | None = None) -> tuple[Tensor, Tensor]:
    """Routes `[B, E]` (bool) and gates `[B, E]` (fp32) of router logits `[B, E]`.

    The routes are those of `rule.select`; gates are 0 for experts that are not in the route. A
    `route` (any distinct experts) is imposed on every image, with the gates that the rule gives it.
    Without a router logits are `[B, 0]`, and a route has to be imposed. Raises RoutingError as
    `rule.select` does.
    """
    # NumPy's implementation decides: two softmaxes that differ in a last bit would break near-ties
    # differently.
    found = logits.detach().float().cpu().numpy()
    if router_of(rule) is not None:
        found = as_logits(found, rule.experts)
    chosen = rule.select(found)[0] if route is None else members_of([route], rule.experts)
    members = torch.from_numpy(chosen).to(logits.device).expand(len(logits), rule.experts)
    return members, rule.torch_gates(members, logits.float())
