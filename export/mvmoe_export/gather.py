"""The `gather` strategy: one graph that picks the expert's weights by index.

It is made from the contract alone: the stage modules of single experts say which parameters
depend on the expert, and those are stacked.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_export.fingerprint import Trace, first_difference, trace, weights_of
from mvmoe_export.user_code import user_code

_Weights = dict[str, Tensor]


def require_one_computation(model: RoutedModel, index: int, tokens: Tensor) -> None:
    """Refuse experts that differ in more than their weights; raises InputError.

    One graph serves all routes of the stage `index`, with the numbers and constants of the first:
    only weights are gathered. `tokens` `[1, ...]` are an example of what the stage takes.
    """
    rule = model.routing[index - 1]
    if rule.k == rule.experts:
        return
    GatheredExperts(model, index)  # Refuses other names and shapes of weights in words of its own.
    gates = torch.full((1, rule.k), 1 / rule.k, dtype=torch.float32)

    def traced(route: Route) -> Trace:
        name = f"{type(model).__name__}.stage({index}, {route})"
        with user_code(name):
            module = model.stage(index, route).eval()
        return trace(module, [tokens.clone(), gates.clone()], name)

    first = tuple(range(rule.k))
    wanted = traced(first)
    for expert in range(rule.experts):
        for slot in range(rule.k):
            route = _route_with(expert, slot, rule.k)
            found = traced(route) if route != first else wanted
            if (difference := first_difference(wanted, found)) is not None:
                raise InputError(
                    f"strategy gather needs experts that differ in their weights alone, but route "
                    f"{list(first)} of routed stage {index} computes otherwise than route "
                    f"{list(route)}: {difference}; give them one structure (a number can become "
                    "a parameter or buffer), or use --strategy dispatch"
                )


class GatheredExperts(nn.Module):
    """A routed step for any route of its rule, at batch 1.

    Forward takes tokens `[1, ...]`, gates `[1, k]` and experts `[1, k]` (int64).
    """

    def __init__(self, model: RoutedModel, index: int) -> None:
        super().__init__()
        rule = model.routing[index - 1]
        first = tuple(range(rule.k))
        self.template = model.stage(index, first)
        self.slots: dict[str, int] = {}
        self.stacked = nn.ParameterDict()
        for slot in range(rule.k if rule.k < rule.experts else 0):
            choices = [
                weights_of(model.stage(index, _route_with(expert, slot, rule.k)))
                for expert in range(rule.experts)
            ]
            # Experts beyond the first route stand in a slot without moving the others. All of them
            # are looked at: one may have weights in common with the expert whose place it takes.
            self._stack(slot, weights_of(self.template), choices[rule.k :], choices)

    def _stack(
        self, slot: int, here: _Weights, others: list[_Weights], choices: list[_Weights]
    ) -> None:
        """Stack the parameters that change when the expert at `slot` does."""
        if any(choice.keys() != here.keys() for choice in choices):
            raise InputError(
                "strategy gather needs experts with the same parameters; this model's differ: use "
                "--strategy dispatch"
            )
        for name in here:
            if all(_same(here[name], other[name]) for other in others):
                continue
            tensors = [choice[name] for choice in choices]
            if len({tensor.shape for tensor in tensors}) > 1:
                raise InputError(
                    f"strategy gather needs experts of equal shapes, but {name} differs: use "
                    "--strategy dispatch"
                )
            self.slots[name] = slot
            self.stacked[_key(name)] = nn.Parameter(torch.stack(tensors), requires_grad=False)

    def forward(self, tokens: Tensor, gates: Tensor, experts: Tensor) -> Tensor:
        """Run the step with the weights of `experts`."""
        weights = {
            name: self.stacked[_key(name)].index_select(0, experts[0, slot : slot + 1])[0]
            for name, slot in self.slots.items()
        }
        # Names that share a tensor each have their own stack, since others may not share one there.
        return functional_call(self.template, weights, (tokens, gates), tie_weights=False)


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same memory seen in the same way."""
    return (one.data_ptr(), one.shape, one.stride()) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
    )


def _route_with(expert: int, slot: int, k: int) -> Route:
    """The first `k` experts, `expert` at `slot`; if it is one of them, the two change places."""
    route = list(range(k))
    if expert < k:
        route[expert] = slot
    route[slot] = expert
    return tuple(route)


def _key(name: str) -> str:
    """A parameter's name without dots, which a ParameterDict's keys cannot have."""
    return name.replace(".", "/")
