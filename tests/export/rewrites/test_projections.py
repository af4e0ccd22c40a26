"""`projections`: a linear layer that is only cut into parts."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

FIRST = ("views", "slices")
B, N, H, D = 2, 5, 2, 3
W = H * D


def timm(qkv):
    return qkv.reshape(B, N, 3, H, D).permute(2, 0, 3, 1, 4).unbind(0)


WAYS = {
    "chunk": lambda y: y.chunk(3, -1),
    "split": lambda y: y.split([4, 6, 8], -1),
    "slices": lambda y: (y[..., :W], y[:, :, W : 2 * W], y[..., -W:]),
    "some left out": lambda y: (y[..., :4], y[..., 5:]),
    "timm": timm,
    "index": lambda y: [y.reshape(B, N, 3, H, D).permute(2, 0, 3, 1, 4)[i] for i in (0, 1, -1)],
    "interleaved": lambda y: y.reshape(B, N, H, 3 * D).transpose(1, 2).chunk(3, -1),
    "interleaved heads": lambda y: y.reshape(B, N, H, D, 3).permute(4, 0, 2, 1, 3).unbind(),
    "select inside": lambda y: [y.view(B, N, H, 3, D).select(3, i) for i in range(3)],
    "torch": lambda y: y.unflatten(-1, (3, W)).unsqueeze(0).transpose(0, -2).squeeze(-2).unbind(0),
    "chains": lambda y: [part.transpose(1, 2) + 1 for part in y.transpose(0, 1).chunk(3, -1)],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bias", [True, False])
def test_every_way_to_cut(check, way, bias):
    layer = nn.Linear(4, 3 * W, bias=bias)
    module = nn.Sequential(layer, Then(WAYS[way]))
    graph = check("projections", module, torch.randn(B, N, 4), before=FIRST, error=1e-6)
    assert graph.changed == 1
    assert graph.operators.count("linear.default") == (2 if way == "some left out" else 3)
    weights = [node for node in graph.module.graph.nodes if node.target == "slice.Tensor"]
    assert not weights


class Then(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return tuple(self.function(*inputs))


KEPT = {
    "another reader": lambda y: (*y.chunk(3, -1), y + 1),
    "overlap": lambda y: (y[..., :9], y[..., 8:]),
    "step": lambda y: (y[..., ::2], y[..., 1::2]),
    "tokens": lambda y: (y[:, :1], y[:, 1:]),
    "two axes": lambda y: (y[..., :6], y.reshape(B, N, 3, W)[:, :, 1]),
    "many": lambda y: y.chunk(6, -1),
    "after a sum": lambda y: (y + 1).chunk(3, -1),
}


@pytest.mark.parametrize("way", KEPT)
def test_what_must_not_match(check, way):
    module = nn.Sequential(nn.Linear(4, 3 * W), Then(KEPT[way]))
    assert check("projections", module, torch.randn(B, N, 4), before=("views",)).changed == 0


def test_rows_without_tokens(check):
    module = nn.Sequential(nn.Linear(4, 10), Then(lambda y: y.chunk(2, -1)))
    assert check("projections", module, torch.randn(3, 4), before=FIRST, error=1e-6).changed == 1


def test_gated_mlp(check):
    def gate(y):
        a, b = y.chunk(2, -1)
        return (F.silu(a) * b,)

    module = nn.Sequential(nn.Linear(4, 16), Then(gate))
    assert check("projections", module, torch.randn(2, 3, 4), before=FIRST, error=1e-6).changed == 1


@pytest.mark.parametrize("batch", [1, 3])
def test_multihead_attention(check, batch):
    module = nn.MultiheadAttention(8, 2, batch_first=True).eval()

    class Self(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x):
            return self.inner(x, x, x, need_weights=False)[0]

    graph = check("projections", Self(), torch.randn(batch, 5, 8), before=FIRST, error=1e-6)
    assert graph.changed == 1


@settings(max_examples=12)
@given(st.data(), st.lists(st.integers(1, 3), max_size=2))
def test_any_reshape_and_permute(check, data, lead):
    parts = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    order = data.draw(st.permutations(range(len(lead) + len(parts))))
    axis = order.index(len(lead) + data.draw(st.integers(0, len(parts) - 1)))
    layer = nn.Linear(2, int(torch.tensor(parts).prod()))

    def cut(y):
        y = y.reshape(*lead, *parts).permute(order)
        return [y.narrow(axis, start, 1) for start in range(min(y.shape[axis], 4))]

    check(
        "projections",
        nn.Sequential(layer, Then(cut)),
        torch.randn(*lead, 2),
        before=FIRST,
        error=1e-6,
    )
