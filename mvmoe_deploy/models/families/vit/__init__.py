"""ViT: the dense Vision Transformer, the model that Mobile V-MoE starts from.

Its names are timm's: checkpoints of DeiT and of timm's ViT load into it unchanged.
"""

from collections.abc import Mapping
from itertools import product

from mvmoe_deploy.models.families.vit import timm_architectures
from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.expert_layers import (
    ExpertLayersConfig,
    FamilyWithExpertLayers,
    ViTWithExperts,
    expert_mlps,
    through_experts,
)
from mvmoe_deploy.models.families.vit.family import (
    FamilyMadeOfViTs,
    FamilyOfViTs,
    require_same_sizes,
    require_vit,
)
from mvmoe_deploy.models.families.vit.initial_weights import dense_start
from mvmoe_deploy.models.families.vit.network import ViT
from mvmoe_deploy.models.timm_config import TimmConfig
from mvmoe_deploy.preprocessing import Preprocessing

__all__ = [
    "DIGITS",
    "FASHION_MNIST",
    "GRID",
    "PART",
    "ExpertLayersConfig",
    "FamilyMadeOfViTs",
    "FamilyOfViTs",
    "FamilyWithExpertLayers",
    "ViT",
    "ViTConfig",
    "ViTFamily",
    "ViTWithExperts",
    "expert_mlps",
    "require_same_sizes",
    "require_vit",
    "through_experts",
]

DIGITS = ViTConfig(
    image_size=8, patch_size=2, in_channels=1, num_classes=10, width=64, depth=6, heads=4
)
"""For scikit-learn's 8 x 8 digits: small enough to train on a laptop in a minute."""

FASHION_MNIST = ViTConfig(
    image_size=28, patch_size=7, in_channels=1, num_classes=10, width=64, depth=6, heads=4
)
"""For Fashion-MNIST's 28 x 28 grey pictures: an epoch takes half a minute of one core."""

_HEADS = {384: 6, 192: 3, 96: 3, 64: 2}
"""Heads by width: 64 features a head as in DeiT, 32 in the two smallest models."""

GRID: Mapping[str, ViTConfig] = {
    f"{depth}x{width}_p{patch}_224": ViTConfig(
        depth=depth, width=width, heads=_HEADS[width], patch_size=patch
    )
    for depth, width, patch in product((12, 9, 6), _HEADS, (32, 16))
}
"""The grid of arXiv 2309.04354, section 4, at 224 pixels: depth, width and patch size."""


class ViTFamily(FamilyOfViTs[ViTConfig, ViT]):
    """The family of dense ViTs."""

    name = "vit"
    config = ViTConfig
    model = ViT

    def presets(self) -> Mapping[str, ViTConfig]:
        """Two for small data sets, and the dense models of the paper's grid."""
        known = {"digits": DIGITS, "fashion_mnist": FASHION_MNIST, **GRID}
        return {f"vit_{name}": config for name, config in known.items()}

    def config_from_timm(self, described: TimmConfig) -> ViTConfig | None:
        """The usual ViT and DeiT architectures of timm."""
        return timm_architectures.config_of(described)

    def start(self, config: ViTConfig, preprocessing: Preprocessing) -> ViT:
        """Sine-cosine positions, and Glorot's weights in the layers."""
        return dense_start(config, preprocessing)


PART = ViTFamily()
