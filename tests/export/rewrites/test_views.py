"""`views`: chains of reshapes and permutes, and what does nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn


def chain(steps):
    """A function that changes shapes as `steps` say."""

    def function(x):
        for step, number in steps:
            axis = number % x.ndim
            match step:
                case "flatten":
                    x = x.flatten(axis)
                case "unsqueeze":
                    x = x.unsqueeze(axis) if x.ndim < 5 else x
                case "squeeze":
                    x = x.squeeze(axis)
                    x = x[None] if x.ndim == 0 else x
                case "transpose":
                    x = x.transpose(axis, -1)
                case "permute":
                    x = x.permute([(axis + place) % x.ndim for place in range(x.ndim)])
                case "view":
                    x = x.contiguous().view(-1, x.shape[-1])
                case "clone":
                    x = x.clone()
                case "add":
                    x = x + 1
        return x

    return function


STEPS = st.tuples(
    st.sampled_from(
        ["flatten", "unsqueeze", "squeeze", "transpose", "permute", "view", "clone", "add"]
    ),
    st.integers(0, 5),
)


@settings(max_examples=8)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.lists(STEPS, max_size=6))
def test_any_chain(check, sizes, steps):
    x = torch.arange(float(torch.Size(sizes).numel())).reshape(sizes)
    graph = check("views", chain(steps), x)
    assert not any(step in name for name in graph.operators for step in ("clone", "squeeze"))


def test_two_permutes_that_undo_each_other_go(check):
    graph = check("views", lambda x: x.transpose(1, 2).permute(0, 2, 1) + 1, torch.randn(2, 3, 4))
    assert graph.operators == ["add.Tensor"]


def test_permute_of_axes_of_one_is_a_reshape(check):
    graph = check("views", lambda x: x.permute(1, 0, 2, 3) + 1, torch.randn(1, 3, 1, 4))
    assert graph.operators == ["reshape.default", "add.Tensor"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: nn.functional.dropout(x, 0.5, training=False) + 1,
        lambda x: x.contiguous().clone()[:, 0:].expand(2, 3) + 1,
        lambda x: x.float().to(torch.float32)[:9] + 1,
        lambda x: x.flatten(0).unflatten(0, (2, 3)) + 1,
    ],
)
def test_what_does_nothing_goes(check, function):
    assert check("views", function, torch.randn(2, 3)).operators == ["add.Tensor"]


def test_what_does_something_stays(check):
    graph = check("views", lambda x: (x.expand(4, 3), x.double(), x[:, ::2]), torch.randn(1, 3))
    assert graph.changed == 0


def test_an_input_may_be_the_output(check):
    assert check("views", lambda x: (x, x.view(-1).view(2, 3)), torch.randn(2, 3)).operators == []


def test_in_place_operations(check):
    def function(x):
        y = x.clone()
        y += x
        return torch.relu_(y.view(6)).view(2, 3)

    assert {"add.Tensor", "relu.default"} <= set(
        check("views", function, torch.randn(2, 3)).operators
    )
