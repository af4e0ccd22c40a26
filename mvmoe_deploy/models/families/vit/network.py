"""The network of ViT, with timm's state-dict names."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import FamilyModel, RoutedOutput
from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.layers import Block, Mlp, PatchEmbed
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route


class ViT(FamilyModel):
    """A dense ViT; as a routed model it has one stage, the stem that answers."""

    config: ViTConfig

    def __init__(self, config: ViTConfig, preprocessing: Preprocessing | None = None) -> None:
        super().__init__(config, preprocessing)
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.tokens, config.width))
        self.blocks = nn.ModuleList(self._block(layer) for layer in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.head = nn.Linear(config.width, config.num_classes)
        self.apply(initialize)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def _block(self, layer: int) -> nn.Module:
        """The layer number `layer`; families of routed models give others here."""
        return Block.of(self.config, self._mlp(layer))

    def _mlp(self, layer: int) -> nn.Module:
        """The MLP of the layer number `layer`, or experts in its place."""
        return Mlp.of(self.config)

    def stage(self, index: int, route: Route) -> nn.Module:
        """The whole model: the one stage of a model that routes no images."""
        if index != 0 or route:
            raise InputError(
                f"a {self.config.family} has the stem alone, not stage {index} route {route}"
            )
        return self

    def embed(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to tokens `[B, N, D]` with the CLS token first."""
        return embed(images, self.patch_embed, self.cls_token, self.pos_embed)

    def answer(self, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` to class logits `[B, classes]`."""
        logits: Tensor = self.head(pool(self.norm(tokens), self.config.pool))
        return logits

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """Class logits `[B, classes]` of images `[B, C, H, W]`; there are no routes to force."""
        self.require_no_routes(routes)
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens)
        return self.answer(tokens)

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """The answer, and nothing of routers."""
        return RoutedOutput(self.forward(images, routes), [], [], [])

    def require_no_routes(self, routes: Sequence[Route] | None) -> None:
        """Refuse forced routes of a model that routes no images; raises InputError."""
        if routes:
            raise InputError(
                f"a {self.config.family} has no routed stage to force routes {routes} on"
            )


def embed(images: Tensor, patch_embed: nn.Module, cls_token: Tensor, pos_embed: Tensor) -> Tensor:
    """Images `[B, C, H, W]` to tokens `[B, N, D]`: CLS token, patches, positions added."""
    patches = patch_embed(images)
    cls = cls_token.expand(patches.shape[0], -1, -1)
    return torch.cat([cls, patches], dim=1) + pos_embed


def pool(tokens: Tensor, kind: str) -> Tensor:
    """One vector `[B, D]` of tokens `[B, N, D]`: the CLS token, or the mean of the patches."""
    return tokens[:, 0] if kind == "cls" else tokens[:, 1:].mean(dim=1)


def initialize(module: nn.Module) -> None:
    """ViT's usual start: truncated normal 0.02 for linear layers, zero biases."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
