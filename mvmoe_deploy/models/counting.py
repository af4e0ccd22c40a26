"""Parameters and multiply-accumulates of a routed model, counted from the model itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from torch.utils.module_tracker import ModuleTracker

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import (
    IMAGE,
    declared_finishes,
    declared_outputs,
    output_alone,
    run_stage,
)
from mvmoe_deploy.routing import Route, Rule

# The counter does not know this form of attention. To switch to a form that it knows would be seen
# by every thread of the process, and an export in one of them fails when that changes meanwhile.
_FUSED_ON_CPU = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda query, key, value, *_, **__: sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]
    )
}


class _NoModules(ModuleTracker):
    """Tracks no modules: what each of them costs is not asked for.

    PyTorch's own hooks every module of the process, those of other threads too, and fails on one
    that gives a parameter as it is.
    """

    def __enter__(self) -> "_NoModules":
        return self

    def __exit__(self, *error: object) -> None:
        return


@dataclass(frozen=True)
class Counts:
    """Sizes of a routed model; `active` and `macs` are of one image on one route."""

    params_total: int
    params_active: int
    macs: int
    """Multiply-accumulates of matrix products and convolutions, attention's included."""


def count(model: RoutedModel) -> Counts:
    """Count a model that satisfies the contract, at batch 1, on whatever device it is.

    What one image costs does not depend on its route, as long as the experts of a stage have
    equal sizes; the first experts stand for all, as many as the longest route has.
    """
    finishes = declared_finishes(model, model.routing)[1:]
    routes = [_longest(rule, ended) for rule, ended in zip(model.routing, finishes, strict=True)]
    stages = [model.stage(0, ())]
    stages += [model.stage(index, route) for index, route in enumerate(routes, start=1)]
    active = (parameter for stage in stages for parameter in stage.parameters())
    return Counts(
        params_total=_distinct(model.parameters()),
        params_active=_distinct(active),
        macs=_macs(model, stages, routes),
    )


def _longest(rule: Rule, finishes: tuple[Route, ...]) -> Route:
    """One of the longest routes of a rule, or the first of those on which a stage runs."""
    longest = next(iter(rule.routes_of(rule.longest)))
    if longest not in finishes:
        return longest
    return next(route for route in rule.routes() if route not in finishes)


def distinct_parameter_bytes(model: nn.Module) -> int:
    """Bytes of a model's distinct parameters and buffers: what a bundle has to store."""
    tensors = {id(tensor): tensor for tensor in model.state_dict(keep_vars=True).values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _distinct(parameters: Iterable[Tensor]) -> int:
    """Elements of the parameters, each counted once."""
    return sum({id(parameter): parameter.numel() for parameter in parameters}.values())


def _macs(model: RoutedModel, stages: list[nn.Module], routes: list[Route]) -> int:
    """Multiply-accumulates of one image through `stages`, by PyTorch's own FLOP counter."""
    device = next(model.parameters(), torch.empty(0)).device
    images = torch.zeros(1, *model.input.shape, dtype=torch.float32, device=device)
    counter = FlopCounterMode(display=False, custom_mapping=_FUSED_ON_CPU)
    counter.mod_tracker = _NoModules()
    alone = output_alone(declared_outputs(model))
    with torch.no_grad(), counter:
        state = run_stage(stages[0], {IMAGE: images}, alone=alone) | {IMAGE: images}
        for stage, route in zip(stages[1:], routes, strict=True):
            gates = torch.ones(1, len(route), dtype=torch.float32, device=device)
            state |= run_stage(stage, state, gates, alone)
    # The counter gives two operations for each multiply-accumulate.
    return counter.get_total_flops() // 2
