"""`mvmoe_deploy.routing` in PyTorch, with gradients: what models use in training and eager runs."""

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.routing import Route, Rule


def select(logits: Tensor, rule: Rule, route: Route | None = None) -> tuple[Tensor, Tensor]:
    """Routes `[B, k]` (int64, ascending) and gates `[B, k]` (fp32) of router logits `[B, E]`.

    The routes are those of `rule.select`, which also raises RoutingError. A
    `route` forces its experts on every image; they keep the scores that the router gives them.
    """
    # One implementation decides: two softmaxes that differ in a last bit would break near-ties
    # differently.
    members, _ = rule.select(logits.detach().float().cpu().numpy())
    selected = np.nonzero(members)[1].reshape(len(logits), -1)
    routes = torch.from_numpy(selected).to(logits.device)
    if route is not None:
        routes = torch.tensor([route], device=logits.device).expand(len(logits), -1)
    if rule.renormalize:
        # Scores divided by their sum are the softmax of their own logits, which stays finite where
        # all scores of a forced route underflow.
        return routes, logits.float().gather(-1, routes).softmax(dim=-1)
    return routes, logits.float().softmax(dim=-1).gather(-1, routes)
