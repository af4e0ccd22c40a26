"""Routing in PyTorch, with gradients: what models use in training and in eager runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor

from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import members_of
from mvmoe_deploy.routing.rule_arithmetic import as_logits


class RecordedSelection(NamedTuple):
    """What `select` was given and gave: logits, routes and gates, all `[B, E]`."""

    logits: Tensor
    members: Tensor
    gates: Tensor


_RECORD: ContextVar[list[RecordedSelection] | None] = ContextVar("selections", default=None)


@contextmanager
def recorded_selections() -> Iterator[list[RecordedSelection]]:
    """The selections that are made in the block, in their order, with their gradients.

    So that the training of a module that knows nothing of training learns what its routers gave.
    """
    found: list[RecordedSelection] = []
    before = _RECORD.set(found)
    try:
        yield found
    finally:
        _RECORD.reset(before)


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
    gates = rule.torch_gates(members, logits.float())
    record = _RECORD.get()
    if record is not None:
        record.append(RecordedSelection(logits, members, gates))
    return members, gates
