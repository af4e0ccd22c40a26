"""Some of an image's tokens, chosen by their scores: for any model whose experts see only those.

An expert of patch-wise routing takes the C tokens with its highest scores, computes them alone and
adds its results back at their places (V-MoE, arXiv 2106.05974; Union of Experts, arXiv 2503.02495,
"data selection"). C is a constant, so every shape is known at export; and no image's tokens depend
on another image of the batch. With three such steps a layer is

    index = top_tokens(scores, count)
    tokens = add_tokens(tokens, index, expert(take_tokens(tokens, index)))

Exporting writes them in the form that an engine runs fastest, or keeps in one piece: see
`docs/rewrites.md`. Where a router is to learn, multiply the rows by something that has its
gradient, such as the scores of the chosen tokens: an index has none.
"""

import torch
from torch import Tensor

from mvmoe_deploy.errors import InputError


def top_tokens(scores: Tensor, count: int) -> Tensor:
    """The places `[B, C]` (int64) of the `count` highest scores `[B, N]` of each image.

    Highest first, ties to the lowest token. Not `torch.topk`, which breaks ties in any order and
    every engine in another one. Scores have to be finite. Raises InputError for scores that are no
    matrix, and for a count that is not one of 1 to N.
    """
    _require_axes("scores", scores, "[B, N]")
    if not 1 <= count <= scores.shape[1]:
        raise InputError(
            f"{count} of {scores.shape[1]} tokens were asked for; give a count from 1 to the "
            "number of tokens",
            name="count",
            given=count,
            expected=scores.shape[1],
        )
    order = torch.sort(scores, dim=1, descending=True, stable=True).indices
    return order[:, :count]


def take_tokens(tokens: Tensor, index: Tensor) -> Tensor:
    """The rows `[B, C, D]` of tokens `[B, N, D]` at the places `[B, C]` of each image.

    Raises InputError for other numbers of axes or images.
    """
    _require_images(tokens, index)
    return tokens.gather(1, _over_width(index, tokens))


def add_tokens(into: Tensor, index: Tensor, rows: Tensor) -> Tensor:
    """Tokens `[B, N, D]` with rows `[B, C, D]` added at the places `[B, C]` of each image.

    A place that is there more than once (several experts' rows, one behind the other) gets all of
    its rows. What is given is not changed. Raises InputError for other shapes.
    """
    _require_images(into, index)
    expected = (*index.shape, into.shape[2])
    if rows.shape != expected:
        raise InputError(
            f"rows have the shape {list(rows.shape)}; expected {list(expected)}, one for each "
            "place of the index and as wide as the tokens",
            name="rows",
            given=list(rows.shape),
            expected=list(expected),
        )
    return into.scatter_add(1, _over_width(index, into), rows)


def _over_width(index: Tensor, tokens: Tensor) -> Tensor:
    """An index of rows as one of elements, as gather and scatter want it: `[B, C, D]`."""
    return index.unsqueeze(-1).expand(-1, -1, tokens.shape[2])


def _require_images(tokens: Tensor, index: Tensor) -> None:
    """Refuse tokens and an index that are not of the same images."""
    _require_axes("tokens", tokens, "[B, N, D]")
    _require_axes("places", index, "[B, C]")
    if len(tokens) != len(index):
        raise InputError(
            f"tokens of {len(tokens)} images have an index of {len(index)}; give both for the same "
            "images",
            name="index",
            given=len(index),
            expected=len(tokens),
        )


def _require_axes(name: str, tensor: Tensor, form: str) -> None:
    """Refuse a tensor that has not as many axes as its form."""
    if tensor.ndim != form.count(",") + 1:
        raise InputError(
            f"{name} have the shape {list(tensor.shape)}; expected {form}",
            name=name,
            given=list(tensor.shape),
            expected=form,
        )
