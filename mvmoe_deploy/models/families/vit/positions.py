"""Position embeddings of another grid of patches: a model takes images of another size."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import AdaptedState
from mvmoe_deploy.models.families.vit.config import ViTConfig

_NAME = "pos_embed"


def fits(name: str, tensor: Tensor, expected: Tensor) -> bool:
    """Whether a tensor has the shape of a parameter; position embeddings may be of another grid."""
    if name == _NAME and tensor.ndim == 3:
        return (tensor.shape[0], tensor.shape[2]) == (expected.shape[0], expected.shape[2])
    return tensor.shape == expected.shape


def resampled(state: Mapping[str, Tensor], config: ViTConfig) -> AdaptedState:
    """A state dict with the position embeddings on the model's grid; raises InputError."""
    embedding = state[_NAME]
    if embedding.shape[1] == config.tokens:
        return AdaptedState(state)
    resized = resample_position_embedding(embedding, config.tokens)
    old, new = math.isqrt(embedding.shape[1] - 1), config.grid
    note = f"weights: pos_embed is resampled from {old} x {old} patches to {new} x {new}"
    return AdaptedState({**state, _NAME: resized}, (note,))


def resample_position_embedding(embedding: Tensor, tokens: int) -> Tensor:
    """Position embeddings `[1, 1 + n*n, D]` on another square grid: `[1, tokens, D]`.

    Bicubic with antialiasing in fp32, the CLS position kept, as timm's `resample_abs_pos_embed`.
    Raises InputError if the positions are not a CLS token and a square grid.
    """
    if embedding.shape[1] == tokens:
        return embedding
    cls, grid = embedding[:, :1], embedding[:, 1:]
    old, new = math.isqrt(grid.shape[1]), math.isqrt(tokens - 1)
    if embedding.shape[0] != 1 or old == 0 or old * old != grid.shape[1]:
        raise InputError(
            f"pos_embed of shape {list(embedding.shape)} is not a CLS token and a square grid of "
            "positions; resample it before loading",
            name="pos_embed",
            given=list(embedding.shape),
        )
    plane = grid.float().reshape(1, old, old, -1).permute(0, 3, 1, 2)
    plane = F.interpolate(plane, size=(new, new), mode="bicubic", antialias=True)
    grid = plane.permute(0, 2, 3, 1).reshape(1, new * new, -1).to(embedding.dtype)
    return torch.cat([cls, grid], dim=1)
