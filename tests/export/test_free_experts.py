"""Experts that cost nothing (zero, copy, constant; MoE++, arXiv 2410.07348), under every rule."""

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export import export_bundle

WIDTH = 12
RULES = [
    TopK(experts=5),
    TopK(experts=5, k=2, renormalize=True),
    TopP(experts=5, p=0.5, k_max=3),
    Threshold(experts=5, thresholds=(0.5,) * 5),
    Given(
        experts=5, choice="task", named={"skip": (2,), "all": (0, 1, 4)}, otherwise=TopK(experts=5)
    ),
]
TOLERANCE = 1e-5
"""Relative to the largest answer: additions in another order."""


class Zero(nn.Module):
    def forward(self, tokens):
        return torch.zeros_like(tokens)


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.randn(WIDTH))

    def forward(self, tokens):
        return self.value.expand_as(tokens)


class FreeExperts(nn.Module):
    """Two experts that compute, one that gives zeros, a copy, and a constant."""

    def __init__(self, rule):
        super().__init__()
        self.input = Preprocessing(height=8, width=8, channel_order="L", mean=(0.5,), std=(0.5,))
        self.routing = (rule,)
        self.first, self.router = nn.Linear(64, WIDTH), nn.Linear(WIDTH, 5)
        self.experts = nn.ModuleList(
            [nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), Zero(), nn.Identity(), Constant()]
        )
        self.head = nn.Linear(WIDTH, 6)

    def forward(self, images, routes=None):
        tokens, logits = self.stage(0, ())(images)
        members, gates = select(logits, self.routing[0], routes[0] if routes else None)
        mixed = sum(
            (gates * members)[:, e, None] * expert(tokens) for e, expert in enumerate(self.experts)
        )
        return self.head((tokens + mixed).tanh())

    def stage(self, index, route):
        return Step(self, route) if index else Stem(self)

    def expert(self, stage, index):
        return self.experts[index]

    def join(self, stage, count):
        return Join(self)


class Stem(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.first, self.router = model.first, model.router

    def forward(self, images):
        tokens = self.first(images.flatten(1)).tanh()
        return tokens, self.router(tokens)


class Step(nn.Module):
    def __init__(self, model, route):
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)
        self.head = model.head

    def forward(self, tokens, gates):
        parts = zip(gates.T[..., None], self.experts, strict=True)
        return self.head((tokens + sum(gate * expert(tokens) for gate, expert in parts)).tanh())


class Join(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.head = model.head

    def forward(self, tokens, *outputs_and_gates):
        *outputs, gates = outputs_and_gates
        parts = zip(gates.T[..., None], outputs, strict=True)
        return self.head((tokens + sum(gate * output for gate, output in parts)).tanh())


def make_model(rule):
    torch.manual_seed(4)
    model = FreeExperts(rule).eval()
    nn.init.normal_(model.router.weight, std=1.5)
    return model


@pytest.mark.parametrize("strategy", ["dispatch", "all-experts", "experts"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.longest}")
def test_they_answer_as_pytorch_under_every_rule(rule, strategy, tmp_path):
    model = make_model(rule)
    export_bundle(model, tmp_path / "free.bundle", strategy=strategy, batch=2)
    images = torch.randn(24, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = model(images).numpy()
        members, _ = select(model.stage(0, ())(images)[1], rule)
    assert members[:, 2:].any(dim=0).sum() >= 2  # Images do take experts that cost nothing.
    with Dispatcher.open(tmp_path / "free.bundle", threads=1) as dispatcher:
        given = dispatcher.run(images.numpy())["answer"]
        alone = dispatcher.run(images[:1].numpy())["answer"]
    limit = TOLERANCE * np.abs(wanted).max()
    np.testing.assert_allclose(given, wanted, rtol=0, atol=limit)
    np.testing.assert_allclose(alone, wanted[:1], rtol=0, atol=limit)


def test_they_have_no_weights_of_their_own(tmp_path):
    export_bundle(make_model(RULES[0]), tmp_path / "free.bundle", skip_verify=True)
    (sizes,) = Bundle.open(tmp_path / "free.bundle").target("onnx").sizes.expert_bytes
    linear = 4 * (WIDTH * WIDTH + WIDTH)
    assert sizes == (linear, linear, 0, 0, 4 * WIDTH)


def test_weights_that_one_graph_gathers_are_of_experts_of_one_form(tmp_path):
    assert find_strategy("gather").gathers_weights
    with raises(InputError, "model.contract", name="parameters"):
        export_bundle(make_model(RULES[0]), tmp_path / "free.bundle", strategy="gather")
