"""`rank`: no tensor of more than four axes."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st


def windows(x):
    b, h, w, c = x.shape
    return x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)


def patchify(x):
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, 4 * c)


def masked(x, mask):
    scores = x.view(2, 3, 2, 4, 4) + mask[None, :, None]
    return scores.softmax(-1).view(6, 2, 4, 4)


CASES = {
    "windows": (windows, torch.randn(2, 4, 6, 3)),
    "patchify": (patchify, torch.randn(2, 3, 4, 6)),
    "pixel shuffle": (lambda x: F.pixel_shuffle(x, 2), torch.randn(2, 8, 3, 5)),
    "pixel unshuffle": (lambda x: F.pixel_unshuffle(x, 2), torch.randn(2, 3, 4, 6)),
    "masks": (masked, torch.randn(6, 2, 4, 4), torch.randn(3, 4, 4)),
    "cat": (lambda x: torch.cat([x.view(2, 1, 2, 3, 4)] * 2, 2).flatten(1), torch.randn(2, 24)),
    "linear": (
        lambda x, w: F.linear(x.view(2, 1, 2, 3, 4), w).reshape(2, -1),
        torch.randn(2, 24),
        torch.randn(5, 4),
    ),
    "slice": (lambda x: x.view(2, 2, 2, 3, 2)[:, :, 1:].relu().flatten(1), torch.randn(2, 24)),
    "high input": (lambda x: x.permute(0, 4, 2, 3, 1).flatten(1), torch.randn(2, 2, 2, 2, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case(check, case):
    function, *inputs = CASES[case]
    graph = check("rank", function, *inputs, before=("views",))
    assert graph.changed and graph.rank <= (5 if case == "high input" else 4)


@settings(max_examples=12)
@given(st.data(), st.lists(st.integers(1, 3), min_size=5, max_size=7))
def test_any_permute(check, data, sizes):
    order = data.draw(st.permutations(range(len(sizes))))
    x = torch.randn(torch.Size(sizes).numel())
    assert check("rank", lambda x: x.view(sizes).permute(order).reshape(-1), x).rank <= 4


def test_what_cannot_be_carried_is_left(check):
    graph = check(
        "rank", lambda x: x.view(2, 1, 2, 3, 2).flip(2).flatten(1) + 1, torch.randn(2, 12)
    )
    assert graph.rank == 5


def test_an_output_may_have_many_axes(check):
    assert check("rank", lambda x: x.view(2, 1, 2, 3, 2) + 1, torch.randn(2, 12)).rank == 5


def test_few_axes_are_left(check):
    assert check("rank", lambda x: x.permute(0, 2, 1, 3), torch.randn(2, 3, 4, 5)).changed == 0
