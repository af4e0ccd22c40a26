"""Stages that take several tensors of the stage before: strategies know nothing of their number."""

from itertools import product

import pytest
import torch
from torch import nn

from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.strategies import find_strategy

RULE = TopK(experts=3, k=2)


class Stage(nn.Module):
    """Takes a map `[1, 4]`, a mask `[1, 4]` and gates `[1, k]`; gives the map and the mask."""

    def __init__(self, experts):
        super().__init__()
        self.experts = nn.ModuleList(experts)

    def forward(self, tokens, mask, gates):
        added = [gates[:, slot, None] * one(tokens) for slot, one in enumerate(self.experts)]
        return tokens + mask * sum(added), 1 - mask


@pytest.mark.parametrize("name", ["all-experts", "dispatch", "gather"])
def test_every_strategy_makes_graphs_of_a_stage_with_two_tensors(name):
    experts = [nn.Linear(4, 4) for _ in range(RULE.experts)]
    strategy, tensors = find_strategy(name), (torch.rand(1, 4), torch.tensor([[0.0, 1, 1, 0]]))

    def build(route):
        return Stage([experts[expert] for expert in route])

    for route, gates in product(RULE.routes(), [(0.5, 0.25)]):
        (graph,) = strategy.serving(route)
        specs = strategy.inputs(RULE, graph, batch=1)
        inputs = {
            name: torch.zeros(shape, dtype=torch.float32 if dtype == "float32" else torch.int64)
            for name, (shape, dtype) in specs.items()
        }
        strategy.write({name: tensor.numpy() for name, tensor in inputs.items()}, 0, route, gates)
        with torch.no_grad():
            given = strategy.module(RULE, graph, build)(*tensors, *inputs.values())
            wanted = build(route)(*tensors, torch.tensor([gates]))
        for one, other in zip(given, wanted, strict=True):
            torch.testing.assert_close(one, other)
