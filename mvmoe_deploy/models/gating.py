"""`mvmoe_deploy.routing` in PyTorch, with gradients: what models use in training and eager runs."""

import torch
from torch import Tensor

from mvmoe_deploy.routing import Route, RoutingRule


def select(logits: Tensor, rule: RoutingRule, route: Route | None = None) -> tuple[Tensor, Tensor]:
    """Routes `[B, k]` (int64, ascending) and gates `[B, k]` (fp32) of router logits `[B, E]`.

    As `mvmoe_deploy.routing.select`; a `route` forces its experts on every image, which keep the
    scores that the router gives them.
    """
    scores = logits.float().softmax(dim=-1)
    if route is None:
        order = scores.sort(dim=-1, descending=True, stable=True).indices
        routes = order[:, : rule.k].sort(dim=-1).values
    else:
        routes = torch.tensor([route], device=scores.device).expand(len(scores), -1)
    gates = scores.gather(-1, routes)
    return routes, gates / gates.sum(-1, keepdim=True) if rule.renormalize else gates
