"""Tokens by their scores: which, in which order, and what comes back at which place."""

import numpy as np
import pytest
import torch
from expected_errors import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.token_selection import add_tokens, take_tokens, top_tokens

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=50, deadline=None)
@given(
    # Few levels, so that most images have ties; and any finite fp32, the smallest and largest too.
    st.lists(
        st.one_of(st.integers(-2, 2).map(float), st.floats(width=32, allow_nan=False)),
        min_size=1,
        max_size=40,
    ),
    st.data(),
)
def test_highest_first_and_ties_to_the_lowest_token(row, data):
    count = data.draw(st.integers(1, len(row)))
    found = top_tokens(torch.tensor([row]), count)
    expected = sorted(range(len(row)), key=lambda token: (-row[token], token))[:count]
    assert found.dtype == torch.int64 and found.tolist() == [expected]


def tokens_and_index(seed, batch=3, places=6, count=4, width=5):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randn(batch, places, width, generator=draw)
    return tokens, torch.randint(places, (batch, count), generator=draw)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_rows_are_taken_and_added_at_their_places(seed):
    """An index may have a place more than once: then each of its rows counts."""
    tokens, index = tokens_and_index(seed)
    taken, before = take_tokens(tokens, index), tokens.clone()
    expected = tokens.numpy().copy()
    for image, places in enumerate(index.tolist()):
        np.testing.assert_array_equal(taken[image], tokens[image][places])
        np.add.at(expected[image], places, taken[image].numpy())
    # Rows of one place may be added in another order.
    torch.testing.assert_close(
        add_tokens(tokens, index, taken), torch.from_numpy(expected), rtol=1e-6, atol=1e-6
    )
    assert torch.equal(tokens, before)


def layer(tokens, scores, weight):
    """An expert's layer on half of the tokens."""
    index = top_tokens(scores, 3)
    chosen = scores.gather(1, index).unsqueeze(-1)
    return add_tokens(tokens, index, chosen * (take_tokens(tokens, index) @ weight))


def test_no_image_depends_on_another():
    draw = torch.Generator().manual_seed(0)
    tokens, scores = torch.randn(4, 6, 5, generator=draw), torch.randn(4, 6, generator=draw)
    weight = torch.randn(5, 5, generator=draw)
    together = layer(tokens, scores, weight)
    for image in range(4):
        alone = layer(tokens[image : image + 1], scores[image : image + 1], weight)
        # The product of one image may be summed up in another order.
        torch.testing.assert_close(alone[0], together[image], rtol=1e-5, atol=1e-6)
    assert not layer(tokens[:0], scores[:0], weight).numel()


def test_gradients_go_to_tokens_rows_and_the_scores_that_were_used():
    draw = torch.Generator().manual_seed(0)
    given = [
        torch.randn(*sizes, generator=draw, dtype=torch.float64, requires_grad=True)
        for sizes in ((2, 6, 5), (2, 6), (5, 5))
    ]
    assert torch.autograd.gradcheck(layer, given)
    layer(*given).sum().backward()
    chosen = torch.zeros(2, 6).scatter(1, top_tokens(given[1], 3), 1) > 0
    assert (given[1].grad != 0).equal(chosen)


class Layer(nn.Module):
    def forward(self, tokens, scores, weight):
        return layer(tokens, scores, weight)


def test_a_layer_is_captured_as_one_graph_of_fixed_shapes():
    draw = torch.Generator().manual_seed(0)
    given = [torch.randn(*sizes, generator=draw) for sizes in ((1, 6, 5), (1, 6), (5, 5))]
    program = torch.export.export(Layer(), tuple(given)).module()
    assert torch.equal(program(*given), layer(*given))


TOKENS, INDEX = torch.zeros(2, 6, 5), torch.zeros(2, 4, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "name", "given", "expected"),
    [
        (lambda: top_tokens(torch.zeros(6), 1), "scores", [6], "[B, N]"),
        (lambda: top_tokens(torch.zeros(2, 6), 0), "count", 0, 6),
        (lambda: top_tokens(torch.zeros(2, 6), 7), "count", 7, 6),
        (lambda: take_tokens(TOKENS[0], INDEX), "tokens", [6, 5], "[B, N, D]"),
        (lambda: take_tokens(TOKENS, INDEX[0]), "places", [4], "[B, C]"),
        (lambda: take_tokens(TOKENS, INDEX[:1]), "index", 1, 2),
        (lambda: add_tokens(TOKENS, INDEX, TOKENS), "rows", [2, 6, 5], [2, 4, 5]),
    ],
)
def test_what_does_not_fit_is_refused(call, name, given, expected):
    with raises(InputError, "input.invalid", name=name, given=given, expected=expected):
        call()
