"""timm's names of ViT's architectures, sizes and pools."""

import re
from collections.abc import Sequence
from typing import Any

from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.timm_config import TimmConfig

_ARCHITECTURE = re.compile(r"(?:vit|deit)_(tiny|small|base|large)_patch(\d+)_(\d+)(?:\..*)?")
_SIZES = {
    "tiny": (192, 3, 12),
    "small": (384, 6, 12),
    "base": (768, 12, 12),
    "large": (1024, 16, 24),
}
"""Width, heads and layers."""

_ARGUMENTS = {
    "img_size": "image_size",
    "patch_size": "patch_size",
    "in_chans": "in_channels",
    "num_classes": "num_classes",
    "embed_dim": "width",
    "depth": "depth",
    "num_heads": "heads",
    "mlp_ratio": "mlp_ratio",
}
"""The arguments of timm's model that a configuration can follow."""

_POOLS = {"token": "cls", "avg": "mean"}
"""What timm's head reads, as a configuration calls it."""


def config_of(described: TimmConfig) -> ViTConfig | None:
    """The configuration of one of the usual architectures; None for any other.

    Raises InputError for sizes that make no model.
    """
    found = _ARCHITECTURE.fullmatch(described.architecture or "")
    pool = _POOLS.get(described.pool or "token")
    if not found or pool is None or not described.arguments.keys() <= _ARGUMENTS.keys():
        return None
    width, heads, depth = _SIZES[found[1]]
    stated = {
        "image_size": described.image_size,
        "in_channels": described.in_channels,
        "num_classes": described.num_classes,
    }
    fields: dict[str, Any] = {
        "patch_size": int(found[2]),
        "image_size": int(found[3]),
        "width": width,
        "heads": heads,
        "depth": depth,
        "pool": pool,
        **{name: value for name, value in stated.items() if value is not None},
        **{_ARGUMENTS[name]: value for name, value in described.arguments.items()},
    }
    return ViTConfig(**fields)


def differences(config: ViTConfig, described: TimmConfig) -> Sequence[tuple[str, Any, str, Any]]:
    """What the head reads: as the configuration has it, and as timm's file."""
    stated = _POOLS.get(described.pool or "", described.pool)
    return (("pool", config.pool, "global_pool", stated),)
