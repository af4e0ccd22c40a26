"""Whole models as single modules: the baselines of `dispatch`.

Each is composed of the model's own stages and shares their parameters. Importing this module
imports PyTorch.
"""

import itertools
from functools import partial

import torch
from torch import Tensor, nn

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import (
    IMAGE,
    LOGITS,
    declared_finishes,
    named_output,
)
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.routing.contract import GraphRule
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export.flow import flow_of


class _ComposedModel(nn.Module):
    """The stem, and after it each routed step with what its rule selects."""

    def __init__(self, model: RoutedModel, steps: nn.ModuleList) -> None:
        super().__init__()
        self.stem = model.stage(0, ())
        self.steps = steps
        flow = flow_of(model)
        self.takes = [tuple(stage.record.takes) for stage in flow.stages[1:]]
        """For each step the tensors that it takes, by name."""
        self.outputs = tuple(output.name for output in flow.outputs)

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """What step `stage` (from 0) takes after its tensors, of router logits `[B, E]`."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Images `[B, C, H, W]` to the outputs `[B, ...]`: one, or several in their order."""
        alone = self.outputs[0]
        state = {IMAGE: image, **named_output(self.stem(image), alone)}
        # A route on which images are finished has no step, and nothing comes behind it.
        for stage, (step, names) in enumerate(zip(self.steps, self.takes, strict=False)):
            tensors = [state[name] for name in names]
            # Where the caller chooses there is no router, and nothing has logits.
            logits = state.get(LOGITS, image.new_ones((len(image), 1)))
            state |= named_output(step(*tensors, *self.selected(stage, logits)), alone)
        found = tuple(state[name] for name in self.outputs)
        return found if len(found) > 1 else found[0]


class StaticRoute(_ComposedModel):
    """The oracle: the stem, and for each routed stage softmax and the step of a known route."""

    def __init__(self, model: RoutedModel, routes: Routes) -> None:
        super().__init__(model, _steps(model, routes))
        self.rules = [_graph_rule(rule) for rule in model.routing]
        for number, route in enumerate(routes):
            # A buffer, not a number in the code: the graphs of all routes have one structure then.
            self.register_buffer(f"route_{number}", torch.tensor(route))

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """The gates of the known route; of one that a caller chose without a router all are 1."""
        rule, route = self.rules[stage], self.get_buffer(f"route_{stage}")
        if rule is None:
            return (logits.new_ones((len(logits), len(route))),)
        return (rule.graph_gates(route, logits),)


class AllExperts(_ComposedModel):
    """Routing in the graph, every expert computed, those that were not selected masked by zeros.

    This is what tracing a model gives. Attention, which the experts share, is computed once.
    """

    def __init__(self, model: RoutedModel) -> None:
        _require_all_stages(model)
        every = tuple(tuple(range(rule.experts)) for rule in model.routing)
        super().__init__(model, _steps(model, every))
        self.rules = _graph_rules(model)

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """A gate for each expert."""
        experts, gates = self.rules[stage].graph_select(logits)
        return (torch.zeros_like(logits).scatter(1, experts, gates),)


class Gather(_ComposedModel):
    """Routing in the graph, which then gathers the selected experts' weights: one image a time."""

    def __init__(self, model: RoutedModel) -> None:
        _require_all_stages(model)
        strategy = find_strategy("gather")
        steps = (
            strategy.module(rule, None, partial(model.stage, index))
            for index, rule in enumerate(_graph_rules(model), start=1)
        )
        super().__init__(model, nn.ModuleList(steps))
        self.rules = _graph_rules(model)

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """Gates, and whose weights to gather."""
        experts, gates = self.rules[stage].graph_select(logits)
        return gates, experts


class Dense(_ComposedModel):
    """No routing: the layers that one image uses, on the first route, gates fixed.

    The multiply-accumulates are those of one image on one route, less the routers'; its answers
    mean nothing. For Mobile V-MoE with k = 1 this is the plain ViT of the same depth and width.
    """

    def __init__(self, model: RoutedModel) -> None:
        _require_all_stages(model)
        first = tuple(tuple(range(rule.longest)) for rule in model.routing)
        super().__init__(model, _steps(model, first))
        self.rules = model.routing

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """The same gate for each expert of the route."""
        longest = self.rules[stage].longest
        return (torch.full((len(logits), longest), 1 / longest),)


def _steps(model: RoutedModel, routes: Routes) -> nn.ModuleList:
    """The routed steps of these routes, up to one on which images are finished."""
    finishes = declared_finishes(model, model.routing)
    running = itertools.takewhile(
        lambda step: step[1] and step[1] not in finishes[step[0]], enumerate(routes, start=1)
    )
    return nn.ModuleList(model.stage(i, route) for i, route in running)


def _require_all_stages(model: RoutedModel) -> None:
    """Refuse a model whose images may be finished early: a graph runs all that it has."""
    if any(declared_finishes(model, model.routing)):
        raise InputError(
            f"{type(model).__name__} finishes some images before its last stage, which one graph "
            "for all images cannot do; leave this subject out"
        )


def _graph_rules(model: RoutedModel) -> list[GraphRule]:
    """The rules of the model's routers, in a graph.

    Raises InputError for a stage that only the caller routes: a graph can ask nobody.
    """
    rules = []
    for stage, rule in enumerate(model.routing, start=1):
        found = _graph_rule(rule)
        if found is None:
            raise InputError(
                f"the routes of routed stage {stage} are chosen by the caller ({rule.describe()}), "
                "and this subject routes inside of its graph; leave the subject out"
            )
        rules.append(found)
    return rules


def _graph_rule(rule: Rule) -> GraphRule | None:
    """The rule of a stage's router, in a graph; None if the stage has no router.

    Raises InputError for one that cannot be a part of a graph.
    """
    router = router_of(rule)
    if router is None or isinstance(router, GraphRule):
        return router
    raise InputError(
        f"the rule {router.name} has no form inside of a graph (see GraphRule), which this "
        "subject needs; leave the subject out"
    )
