"""`arithmetic`, `division`, `gelu-*`, `softmax`, `expands` and `pools`: one operator each."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

X = torch.rand(2, 3, 4) + 0.5


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.add(x, x, alpha=0.3),
        lambda x: torch.sub(x, 2, alpha=3),
        lambda x: torch.rsub(x, x, alpha=2),
        lambda x: x**3,
        lambda x: x**0.5,
        lambda x: x.norm(dim=-1),
        lambda x: torch.ops.aten.add.Scalar(x, 2),
        lambda x: F.normalize(x, dim=1),
    ],
)
def test_arithmetic(check, function):
    graph = check("arithmetic", function, X, error=1e-6)
    assert graph.changed and not any("Scalar" in name for name in graph.operators)


@pytest.mark.parametrize("turned", [True, False])
def test_a_mask_that_is_known_hides_by_a_product(check, turned):
    def function(x, mask):
        return x.masked_fill(~mask if turned else mask, float("-inf")).softmax(-1)

    mask = torch.tensor([True, False, True, False])
    graph = check("arithmetic", function, X, mask=mask)
    assert graph.changed == 1
    assert check("arithmetic", function, X, mask).changed == 0


def test_a_whole_number_beside_floating_point_numbers_is_one_of_them(check):
    graph = check("arithmetic", lambda x: (x + 3) * 2 / 7 - 1, X, error=0)
    numbers = [
        part
        for node in graph.module.graph.nodes
        if node.op == "call_function"
        for part in node.args
    ]
    assert graph.changed == 4 and not any(type(part) is int for part in numbers)


def test_whole_numbers_are_left(check):
    assert check("arithmetic", lambda x: (1 - x, x**2), torch.arange(4)).changed == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.reciprocal(),
        lambda x: x.rsqrt(),
        lambda x: 1 / x,
        lambda x: x.pow(-0.5),
        lambda x: x**-1,
    ],
)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_division(check, function, kind):
    graph = check("division", function, X.to(kind))
    assert graph.changed == 1 and "div.Tensor" in graph.operators


def test_a_constant_may_already_have_the_name(check):
    graph = check("division", lambda x, one: 1 / x + one, X, one=torch.tensor([5.0]))
    assert graph.changed == 1


def test_gelu_tanh(check):
    x = torch.linspace(-8, 8, 2001)
    graph = check("gelu-tanh", nn.GELU(), x, error=1)
    assert graph.changed == 1
    torch.testing.assert_close(graph.values, F.gelu(x, approximate="tanh"), rtol=0, atol=1e-6)
    assert (graph.values - F.gelu(x)).abs().max() <= 5e-4  # as its docstring says


def test_a_gelu_that_is_tanh_already_is_left(check):
    assert check("gelu-tanh", nn.GELU(approximate="tanh"), X).changed == 0


def test_hard_swish(check):
    graph = check("hard-swish", nn.Hardswish(), torch.linspace(-5, 5, 50))
    assert graph.changed == 1 and "hardswish.default" not in graph.operators


def test_gelu_primitives(check):
    x = torch.linspace(-8, 8, 2001)
    graph = check("gelu-primitives", nn.GELU(approximate="tanh"), x)
    assert graph.changed == 1 and "tanh.default" in graph.operators
    assert check("gelu-primitives", nn.GELU(), x).changed == 0


@pytest.mark.parametrize("axis", [0, 1, -2, -1])
def test_softmax(check, axis):
    graph = check("softmax", lambda x: x.softmax(axis), X)
    assert graph.changed == (axis != -1)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=4))
def test_any_expand(check, axes):
    before, after = [1 if grows else size for size, grows in axes], [size for size, _ in axes]
    graph = check("expands", lambda x: x.expand(2, *after).flatten(), torch.randn(before))
    assert not graph.changed or "mul.Tensor" in graph.operators


def test_arithmetic_repeats_by_itself(check):
    x, y = torch.randn(2, 1, 4), torch.randn(2, 3, 4)
    graph = check("expands", lambda x, y: x.expand_as(y) * y, x, y)
    assert graph.operators == ["mul.Tensor"]


@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(2),
        nn.AvgPool2d(3, 1, 1),
        nn.AvgPool2d((2, 3), (1, 2), (1, 0)),
        nn.AvgPool2d(2, divisor_override=3),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    ],
)
def test_pools(check, pool):
    graph = check("pools", pool, torch.randn(2, 3, 7, 8), error=1e-6)
    assert graph.changed == (pool.count_include_pad and not pool.ceil_mode)
