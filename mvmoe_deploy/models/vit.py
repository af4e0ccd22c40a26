"""ViT: the dense Vision Transformer, with timm's state-dict names.

DeiT and timm ViT checkpoints load into it unchanged.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.config import ViTConfig
from mvmoe_deploy.models.input_choices import default_origins, default_preprocessing
from mvmoe_deploy.models.layers import Block, Mlp, PatchEmbed
from mvmoe_deploy.preprocessing import Origin, Preprocessing, TrainedField
from mvmoe_deploy.routing import Route, Rule


class ViT(nn.Module):
    """A dense ViT; as a routed model it has one stage, the stem that answers.

    `input_origins` says of the fields of `input` who stated them; of those that it leaves out, the
    one who made the model.
    """

    input_origins: dict[TrainedField, Origin]

    def __init__(self, config: ViTConfig, preprocessing: Preprocessing | None = None) -> None:
        super().__init__()
        self.config = config
        self.input = preprocessing or default_preprocessing(config)
        self.input_origins = default_origins(self.input) if preprocessing is None else {}
        require_input(config, self.input)
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.tokens, config.width))
        self.blocks = nn.ModuleList(
            Block.of(config, self._mlp(layer)) for layer in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.head = nn.Linear(config.width, config.num_classes)
        self.apply(_initialize)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def _mlp(self, layer: int) -> nn.Module:
        """The MLP of layer `layer`; Mobile V-MoE gives experts here."""
        return Mlp.of(self.config)

    @property
    def routing(self) -> tuple[Rule, ...]:
        """A dense model routes nothing."""
        return ()

    def stage(self, index: int, route: Route) -> nn.Module:
        """The whole model: the one stage of a dense model."""
        if index != 0 or route:
            raise InputError(f"a dense model has the stem alone, not stage {index} route {route}")
        return self

    def embed(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to tokens `[B, N, D]` with the CLS token first."""
        return embed(images, self.patch_embed, self.cls_token, self.pos_embed)

    def answer(self, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` to class logits `[B, classes]`."""
        return self.head(pool(self.norm(tokens), self.config.pool))

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """Class logits `[B, classes]` of images `[B, C, H, W]`; there are no routes to force."""
        if routes:
            raise InputError(f"a dense model has no routed stage to force routes {routes} on")
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens)
        return self.answer(tokens)


def embed(images: Tensor, patch_embed: nn.Module, cls_token: Tensor, pos_embed: Tensor) -> Tensor:
    """Images `[B, C, H, W]` to tokens `[B, N, D]`: CLS token, patches, positions added."""
    patches = patch_embed(images)
    cls = cls_token.expand(patches.shape[0], -1, -1)
    return torch.cat([cls, patches], dim=1) + pos_embed


def pool(tokens: Tensor, kind: str) -> Tensor:
    """One vector `[B, D]` of tokens `[B, N, D]`: the CLS token, or the mean of the patches."""
    return tokens[:, 0] if kind == "cls" else tokens[:, 1:].mean(dim=1)


def require_input(config: ViTConfig, preprocessing: Preprocessing) -> None:
    """Refuse a preprocessing that does not make this model's input; raises InputError."""
    expected = (config.in_channels, config.image_size, config.image_size)
    if preprocessing.shape != expected:
        raise InputError(
            f"the preprocessing makes inputs of shape {list(preprocessing.shape)}, but the model "
            f"takes {list(expected)}"
        )


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
            "positions; resample it before loading"
        )
    plane = grid.float().reshape(1, old, old, -1).permute(0, 3, 1, 2)
    plane = F.interpolate(plane, size=(new, new), mode="bicubic", antialias=True)
    grid = plane.permute(0, 2, 3, 1).reshape(1, new * new, -1).to(embedding.dtype)
    return torch.cat([cls, grid], dim=1)


def _initialize(module: nn.Module) -> None:
    """ViT's usual start: truncated normal 0.02 for linear layers, zero biases."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
