"""Which layers there are, and which stay precise: by where their results go."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers import find_layers
from mvmoe_export.layers.found import CHOICE, HEAD, ROUTER
from mvmoe_export.programs import capture_stage
from mvmoe_export.rewrites import AtenGraph, apply
from mvmoe_export.source_location import PREFIX

TOKENS_AND_LOGITS = GraphRoles(outputs=("tokens", "logits"), routers=frozenset({"logits"}))
ANSWER = GraphRoles(outputs=("answer",), answers=frozenset({"answer"}))


def found(module, roles, *inputs):
    graph = torch.export.export(module, inputs).module(check_guards=False).graph
    free, precise = find_layers(graph, dict(module.named_parameters()), roles)
    return {layer.name for layer in free}, {layer.layer: layer.reason for layer in precise}


class Stem(nn.Module):
    """A router of two layers on what the last layer of a residual stream gives."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 4)
        self.hidden, self.router = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        tokens = x + self.second(self.first(x).relu())
        return tokens, self.router(self.hidden(tokens).relu())


def test_all_layers_of_a_router_stay_precise():
    free, precise = found(Stem(), TOKENS_AND_LOGITS, torch.zeros(1, 4))
    assert free == {"first.weight", "second.weight"}
    assert precise == {"hidden.weight": ROUTER, "router.weight": ROUTER}


def test_without_roles_every_layer_is_free():
    free, precise = found(Stem(), GraphRoles(outputs=("a", "b")), torch.zeros(1, 4))
    assert len(free) == 4
    assert precise == {}


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.norm, self.head = nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.norm(x + self.before(x))).softmax(-1)


def test_the_last_layer_before_an_answer_stays_precise():
    free, precise = found(Head(), ANSWER, torch.zeros(1, 4))
    assert free == {"before.weight"}
    assert precise == {"head.weight": HEAD}


class Embedding(nn.Module):
    """An answer that is a residual stream: every block adds to it."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x.tanh())
        return x


def test_of_a_residual_stream_the_last_layer_alone_is_the_head():
    free, precise = found(Embedding(), ANSWER, torch.zeros(1, 4))
    assert free == {"blocks.0.weight", "blocks.1.weight"}
    assert list(precise) == ["blocks.2.weight"]


class Choosing(nn.Module):
    """A layer whose tokens are chosen by the scores of another one."""

    def __init__(self):
        super().__init__()
        self.before, self.router = nn.Linear(4, 4), nn.Linear(4, 1)
        self.expert, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = self.before(x)
        scores = self.router(x)[..., 0].sigmoid()
        index = top_tokens(scores, 2)
        rows = self.expert(take_tokens(x, index)) * scores.gather(1, index)[..., None]
        return self.head(add_tokens(x, index, rows))


@pytest.mark.parametrize("rewrites", [(), ("token-rows",), ("token-products",)])
def test_what_tokens_are_chosen_by_stays_precise(rewrites):
    module, x = Choosing(), torch.zeros(1, 5, 4)
    graph = AtenGraph(capture_stage("g", module, {"x": x}).module(check_guards=False), (x,))
    apply(graph, rewrites)
    weights = dict(graph.module.named_parameters())
    free, precise = find_layers(graph.module.graph, weights, ANSWER)
    names = {layer.name.removeprefix(PREFIX) for layer in free}
    assert names == {"before.weight", "expert.weight"}
    assert {layer.layer: layer.reason for layer in precise} == {
        "router.weight": CHOICE,
        "head.weight": HEAD,
    }


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 5, 2)
        self.matrix = nn.Parameter(torch.zeros(4, 6))

    def forward(self, x):
        made = self.up(self.conv(x))
        return made, made.mean((2, 3))[:, :4] @ self.matrix


def test_the_axis_of_the_outputs_is_found_for_each_operator():
    module = Convolutions()
    graph = torch.export.export(module, (torch.zeros(1, 3, 8, 8),)).run_decompositions()
    weights = dict(module.named_parameters())
    roles = GraphRoles(outputs=("a", "b"))
    free, _ = find_layers(graph.module(check_guards=False).graph, weights, roles)
    sizes = {layer.name: layer.by_output(weights[layer.name]).shape for layer in free}
    assert sizes == {"conv.weight": (4, 27), "up.weight": (5, 16), "matrix": (6, 4)}
    for layer in free:
        weight = weights[layer.name].detach()
        assert torch.equal(layer.in_shape(layer.by_output(weight), weight), weight)
        scale = layer.in_shape(torch.ones(weight.shape[layer.outputs_axis]), weight)
        assert (weight * scale).shape == weight.shape


def test_a_product_of_two_values_is_no_layer():
    class Attention(nn.Module):
        def forward(self, q, k):
            return F.softmax(q @ k.transpose(-1, -2), dim=-1)

    free, precise = found(Attention(), ANSWER, torch.zeros(1, 2, 4), torch.zeros(1, 2, 4))
    assert (free, precise) == (set(), {})
