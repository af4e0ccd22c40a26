"""A model whose routers are inside of its one graph, which selects for itself.

The graph gives the logits of its routers and takes `steering`, which is added to them: with zeros
an image takes its own routes, and with other numbers any route can be looked at.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from mvmoe_deploy.bundle.graph_stages import (
    ROUTER_LOGITS,
    STEERING,
    columns_of,
    steering_type,
    whole_stage,
)
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import IMAGE
from mvmoe_deploy.routing.contract import CallersRule
from mvmoe_deploy.strategies import Strategy
from mvmoe_export.composed import ComposedModel, graph_rules, require_all_stages
from mvmoe_export.flow import ModelFlow, StageFlow


class RoutedInside(ComposedModel):
    """The whole model, whose rules select inside of the graph, for one strategy."""

    def __init__(self, model: RoutedModel, strategy: Strategy) -> None:
        """Raises InputError for a model that one graph cannot route."""
        require_all_stages(model)
        self.rules = graph_rules(model)
        steps = (
            strategy.module(rule, None, partial(model.stage, index))
            for index, rule in enumerate(self.rules, start=1)
        )
        super().__init__(model, steps)
        self._strategy = strategy

    def selected(self, stage: int, logits: Tensor) -> tuple[Tensor, ...]:
        """What the rule selects, as the strategy's module takes it."""
        rule = self.rules[stage]
        return self._strategy.selected(*rule.graph_select(logits), rule)


class SteeredModel(RoutedInside):
    """The module of the one graph: it takes `steering` too, and gives the routers' logits."""

    def forward(  # type: ignore[override]  # one input more
        self, image: Tensor, steering: Tensor
    ) -> tuple[Tensor, ...]:
        """The outputs `[B, ...]` in their order, and behind them the logits `[B, sum of E]`.

        Takes images `[B, C, H, W]` and `steering` `[B, sum of E]`.
        """
        every: list[Tensor] = []
        columns = columns_of(self.rules)

        def steered(stage: int, logits: Tensor) -> tuple[Tensor, ...]:
            every.append(logits)
            return self.selected(stage, logits + steering[:, columns[stage]])

        return *self.run(image, steered), torch.cat(every, dim=1)


def require_in_graph(model: RoutedModel, strategy: Strategy, flow: ModelFlow) -> None:
    """Refuse a model and strategy that one graph with its routers inside cannot be made of.

    Raises InputError.
    """
    if not strategy.routes_in_graph:
        raise InputError(
            f"the strategy {strategy.name} cannot have routers inside of its graphs; give "
            "--strategy gather or all-experts, or let the host route",
            code="input.option",
            name="routers",
            given=strategy.name,
        )
    if not model.routing:
        raise InputError(
            "the model has no routers that could be inside of its graph; leave --routers out",
            code="input.option",
            name="routers",
            given="a model without routers",
        )
    require_all_stages(model)
    graph_rules(model)
    for stage, rule in enumerate(model.routing, start=1):
        if isinstance(rule, CallersRule):
            raise InputError(
                f"the caller may choose the routes of routed stage {stage}, and a graph with its "
                "routers inside asks nobody; let the host route",
                code="input.option",
                name="routers",
                given=rule.name,
            )
    taken = {output.name for output in flow.outputs} & {ROUTER_LOGITS, STEERING}
    if taken:
        raise InputError(
            f"the model gives an output of the name {sorted(taken)[0]}, which a graph with its "
            "routers inside has for something else; give it another name",
            code="model.contract",
        )


def in_graph_flow(model: RoutedModel, flow: ModelFlow, batch: int) -> StageFlow:
    """The whole model as one stage, with examples of what its graph takes and gives."""
    gives = {output.name: output.tensors[-1] for output in flow.outputs}
    outputs = {name: flow.example(tensor) for name, tensor in gives.items()}
    outputs[ROUTER_LOGITS] = torch.zeros(steering_type(model.routing, batch).shape)
    images = torch.zeros(batch, *model.input.shape, dtype=torch.float32)
    record = whole_stage(flow.records[-1].name, gives)
    return StageFlow(0, record, {IMAGE: images}, outputs)


def steering_of(logits: Tensor, wanted: Sequence[Sequence[float]]) -> Tensor:
    """The steering `[B, sum of E]` that makes logits `[B, sum of E]` those wanted, by router."""
    return torch.tensor([number for row in wanted for number in row]) - logits
