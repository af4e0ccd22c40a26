"""`layer-norm`, `group-norm`, `batch-norm` and `averages`: reductions as matmuls."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

X = torch.randn(2, 5, 8)


@settings(max_examples=8)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from([1e-12, 1e-5, 0.1]))
def test_any_layer_norm(check, sizes, eps):
    norm = nn.LayerNorm(sizes[-1], eps=eps)
    # Of one number the distance from the mean is rounding alone: eps decides what it grows to.
    error = 1e-5 if sizes[-1] > 2 else 10
    assert check("layer-norm", norm, 3 + torch.randn(sizes), error=error).changed == 1


@pytest.mark.parametrize(
    "norm",
    [
        nn.LayerNorm(8, elementwise_affine=False),
        nn.LayerNorm(8, bias=False),
        nn.LayerNorm(8, dtype=torch.float64),
        nn.LayerNorm(8, dtype=torch.float16),
    ],
)
def test_kinds_of_layer_norm(check, norm):
    kind = getattr(norm.weight, "dtype", torch.float32)
    error = 5e-3 if kind == torch.float16 else 1e-5
    graph = check("layer-norm", norm, X.to(kind), error=error)
    assert graph.operators.count("linear.default") == 2


def test_layer_norm_over_two_axes_is_left(check):
    assert check("layer-norm", nn.LayerNorm([5, 8]), X).changed == 0


def test_rms_norm_is_made_of_averages(check):
    graph = check("averages", nn.RMSNorm(8), X)
    assert graph.changed == 1 and "linear.default" in graph.operators


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(check, groups, affine):
    norm = nn.GroupNorm(groups, 8, affine=affine)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    assert check("group-norm", norm, torch.randn(2, 8, 3, 4)).changed == 1
    assert check("group-norm", norm, torch.randn(2, 8, 3)).changed == 1


def alive(norm):
    for tensor in norm.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return norm


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_batch_norm_goes_into_a_conv(check, affine, bias):
    norm = alive(nn.BatchNorm2d(6, affine=affine))
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=bias)
    graph = check("batch-norm", nn.Sequential(conv, norm, nn.ReLU()), torch.randn(2, 4, 5, 5))
    assert graph.changed == 1
    assert graph.operators[-2:] == ["conv2d.default", "relu.default"]


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 5)])
def test_batch_norm_alone(check, shape):
    assert check("batch-norm", alive(nn.BatchNorm1d(6)), torch.randn(shape)).changed == 1


def test_batch_norm_stays_out_of_a_conv_that_somebody_else_reads(check):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 6, 1), alive(nn.BatchNorm2d(6))

        def forward(self, x):
            y = self.conv(x)
            return y + self.norm(y)

    graph = check("batch-norm", Two(), torch.randn(1, 3, 4, 4))
    assert graph.changed == 1 and graph.operators.count("conv2d.default") == 1


@settings(max_examples=15)
@given(
    st.data(),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sampled_from([torch.mean, torch.sum, torch.var, torch.std]),
    st.booleans(),
)
def test_any_reduction(check, data, sizes, reduce, keepdim):
    axes = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, unique=True))
    axes = [axis - len(sizes) if data.draw(st.booleans()) else axis for axis in axes]
    x = torch.randn([size + 1 for size in sizes])
    graph = check("averages", lambda x: reduce(x, dim=axes, keepdim=keepdim), x, error=1e-4)
    assert graph.changed >= 1


@pytest.mark.parametrize(
    "function",
    [
        nn.AdaptiveAvgPool2d(1),
        lambda x: x.mean(),
        lambda x: x.sum(),
        lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
        lambda x: (x.mean(1), x.sum(1)),
        lambda x: x.mean(1) + x.double().mean(1),
        lambda x: x.var(1, correction=0),
    ],
)
def test_kinds_of_averages(check, function):
    graph = check("averages", function, torch.randn(2, 3, 4, 5))
    assert not any("mean" in name or "sum" in name for name in graph.operators)


def test_sums_of_whole_numbers_are_left(check):
    assert check("averages", lambda x: x.sum(1), torch.arange(6).view(2, 3)).changed == 0
