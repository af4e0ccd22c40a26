"""`slices`: select, unbind, split, chunk, strides and roll as slices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

KNOWN = {"slice.Tensor", "reshape.default", "cat.default", "squeeze.dims"}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, 0],
        lambda x: x[..., -1],
        lambda x: x[-1, :, 2],
        lambda x: x.select(1, -2),
        lambda x: x.unbind(1),
        lambda x: x.unbind(-1)[1],
        lambda x: x.split(2, 1),
        lambda x: x.split([1, 3], 1)[1],
        lambda x: x.chunk(3, -1),
        lambda x: torch.tensor_split(x, 3, 2),
        lambda x: x.narrow(1, 1, 2),
        lambda x: x[:, 1::2],
        lambda x: x[:, 0::2, 1::3],
        lambda x: x[:, -4::4],
        lambda x: torch.roll(x, (1, -2), (1, 2)),
        lambda x: torch.roll(x, 5),
        lambda x: torch.roll(x, 4, 1),
    ],
)
def test_every_way_to_take_a_part(check, function):
    graph = check("slices", function, torch.randn(3, 4, 6))
    assert set(graph.operators) <= KNOWN
    assert not any(
        node.args[4:] and node.args[4] != 1
        for node in graph.module.graph.find_nodes(
            op="call_function", target=torch.ops.aten.slice.Tensor
        )
    )


@settings(max_examples=12)
@given(st.data(), st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_any_slice(check, data, sizes):
    axis = data.draw(st.integers(0, len(sizes) - 1))
    start, end = (data.draw(st.integers(-7, 7) | st.none()) for _ in range(2))
    step = data.draw(st.integers(1, 4))

    def function(x):
        return x[(slice(None),) * axis + (slice(start, end, step),)] + 1

    check("slices", function, torch.randn(sizes))


@settings(max_examples=12)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_any_roll(check, data, sizes):
    axes = data.draw(st.lists(st.integers(0, len(sizes) - 1), unique=True))
    shifts = [data.draw(st.integers(-5, 5)) for _ in axes] or [data.draw(st.integers(-5, 5))]
    check("slices", lambda x: torch.roll(x, shifts, axes or None) + 1, torch.randn(sizes))


def test_steps_that_do_not_come_out_even_stay(check):
    assert check("slices", lambda x: x[:, ::2], torch.randn(2, 5)).changed == 0


def test_a_split_that_is_given_out_whole(check):
    assert check("slices", lambda x: x.split([1, 2, 2], 1), torch.randn(2, 5)).changed
