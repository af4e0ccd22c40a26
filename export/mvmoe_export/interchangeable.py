"""Whether the experts of a stage differ in their weights alone, where a strategy relies on it."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import Build, Strategy
from mvmoe_export.fingerprint import Trace, first_difference, trace


def require_interchangeable(
    model: RoutedModel,
    index: int,
    strategy: Strategy,
    build: Build,
    tensors: Mapping[str, Tensor],
) -> None:
    """Refuse experts that differ in more than their weights; raises InputError.

    One graph of the strategy serves several routes of the stage `index`, with the numbers and
    constants of the first of them. `build` makes the modules of the stage,
    `tensors` `[B, ...]` are an example of what it takes.
    """
    rule = model.routing[index - 1]
    routes = strategy.interchangeable(rule)
    first = next(routes, None)
    if first is None:
        return
    # Says in its own words that names and shapes of weights differ.
    for route in strategy.graphs(rule):
        strategy.module(rule, route, build)
    require_alike(model, index, [first, *routes], strategy, build, tensors=tensors)


def require_alike(
    model: RoutedModel,
    index: int,
    routes: Iterable[Route],
    strategy: Strategy,
    build: Build,
    *,
    tensors: Mapping[str, Tensor],
) -> None:
    """Refuse routes of a stage whose modules differ in more than weights; raises InputError."""
    first, *others = routes

    def traced(route: Route) -> Trace:
        name = f"{type(model).__name__}.stage({index}, {route})"
        given = [tensor.clone() for tensor in tensors.values()]
        gates = torch.full((len(given[0]), len(route)), 1 / len(route), dtype=torch.float32)
        return trace(build(route), [*given, gates], name)

    wanted = traced(first)
    for route in others:
        found = traced(route)
        if (difference := first_difference(wanted, found)) is not None:
            raise InputError(
                f"strategy {strategy.name} needs experts that differ in their weights alone, but "
                f"route {list(first)} of routed stage {index} computes otherwise than route "
                f"{list(route)}: {difference}; give them one structure (a number can become a "
                "parameter or buffer), or use another --strategy",
                code="model.contract",
                stage=index,
                found=difference,
            )
