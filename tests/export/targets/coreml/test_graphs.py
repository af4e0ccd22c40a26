"""Every graph of every kind of model against PyTorch, in the reference evaluator."""

import pytest
import torch
from torch import nn

from mvmoe_export.targets.coreml.job import REWRITES

FP16 = 1e-2
"""Relative to the largest output: three layers in fp16 with lively weights (measured: 3e-3)."""
FP32 = 2e-5


class Block(nn.Module):
    """A transformer block as timm writes it: q, k and v by one linear layer, then unbind."""

    def __init__(self, width, heads=2, fused=True):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, count, width = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = ((q * k.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return x + self.proj(mixed.transpose(1, 2).reshape(batch, count, width))


class Vectors(nn.Module):
    """`[B, 16]` as eight tokens of two numbers through a block, and back."""

    def __init__(self, block):
        super().__init__()
        self.rise, self.block, self.sink = nn.Linear(2, 8), block, nn.Linear(8, 2)

    def forward(self, vectors):
        return self.sink(self.block(self.rise(vectors.reshape(-1, 8, 2)))).flatten(1)


class Pairs(nn.Module):
    """PyTorch's own attention layer."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return x + self.attention(x, x, x, need_weights=False)[0]


class Mobile(nn.Module):
    """A MobileNet in the small: depthwise convolution, BatchNorm, hardswish, relu6, pooling."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.Hardswish(),
            nn.Conv2d(8, 8, 3, padding=1, groups=8),
            nn.ReLU6(),
            nn.Conv2d(8, 16, 1),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        with torch.no_grad():
            self.body[1].running_mean.normal_()
            self.body[1].running_var.uniform_(0.5, 2)

    def forward(self, vectors):
        return self.body(vectors.reshape(-1, 1, 4, 4))


EXPERTS = (Mobile, lambda: Vectors(Block(8)), lambda: Vectors(Pairs()))

OURS = {
    "k2-tanh-meanpool-naive": (
        {"top_k": 2, "gelu": "tanh", "pool": "mean"},
        {"rewrites": (), "deployment_target": "iOS26"},
    ),
    "k2-per-layer-renormalize-batch2": (
        {"top_k": 2, "routers": "per-layer", "renormalize": True, "router_input": "mean"},
        {"batch": 2},
    ),
    "gather-k2": ({"top_k": 2}, {"strategy": "gather"}),
    # One of coremltools' passes fails on what `layer-norm` makes.
    "all-experts-batch2-layer-norm": (
        {"top_k": 2},
        {"strategy": "all-experts", "batch": 2, "rewrites": (*REWRITES, "layer-norm", "averages")},
    ),
}


@pytest.mark.parametrize("kind", OURS)
def test_our_models(kind, vmoe, compiled, assert_graphs):
    changes, options = OURS[kind]
    assert_graphs(compiled(vmoe(**changes, depth=2), **options), FP16)


def test_fp32_on_the_oldest_system(vmoe, compiled, assert_graphs):
    model = vmoe(depth=2, moe_layers=1)
    assert_graphs(compiled(model, precision="fp32", deployment_target="iOS16"), FP32)


@pytest.mark.parametrize("rewrites", [REWRITES, ()], ids=["rewritten", "naive"])
def test_foreign_experts(rewrites, zoo, compiled, assert_graphs):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return EXPERTS[expert // 2]()

    torch.manual_seed(0)
    made = compiled(zoo.enliven(Model(experts=6)), rewrites=rewrites)
    # coremltools folds a BatchNorm into the convolution before it: those cannot be bound, unless
    # the rewrite `batch-norm` has folded it before.
    alone = 0 if rewrites else 2
    assert (made.bound, made.converted) == (6 - alone, 1 + 3 * 2 + alone)
    assert_graphs(made, FP16)


def test_weights_that_graphs_share(zoo, compiled, assert_graphs):
    assert_graphs(compiled(zoo.enliven(zoo.Tied())), FP16)


def test_inputs_that_are_ignored_or_passed_on(zoo, compiled, assert_graphs):
    class Step(nn.Module):
        def __init__(self, model, index):
            super().__init__()
            self.tail, self.last = (model.routers[1], False) if index == 1 else (model.head, True)

        def forward(self, tokens, gates):
            return self.tail(tokens) if self.last else (tokens, self.tail(tokens))

    class Lazy(zoo.Foreign):
        def stage(self, index, route):
            return Step(self, index) if index else zoo.Stem(self)

    assert_graphs(compiled(zoo.enliven(Lazy(experts=2, stages=2))), FP16)
