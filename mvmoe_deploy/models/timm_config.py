"""timm's `config.json` on a hub: what the training used, the classes, and the usual architectures.

https://huggingface.co/docs/timm/hf_hub: `architecture`, `num_classes`, `pretrained_cfg`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.config import ViTConfig
from mvmoe_deploy.text import name as shown
from mvmoe_deploy.text import one_line

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

POOLS = {"token": "cls", "avg": "mean"}
"""What timm's head reads, as a configuration calls it."""

_CROP_MODES = {"center": "timm", "squash": "squash", "border": "border"}
_FILTERS = {name: name for name in ("nearest", "bilinear", "bicubic", "lanczos")}


class _PretrainedCfg(msgspec.Struct):
    """The fields of `pretrained_cfg` that are read."""

    input_size: tuple[int, int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    crop_pct: float | None = None
    crop_mode: str | None = None
    interpolation: str | None = None
    num_classes: int | None = None
    label_names: list[str] | None = None


class _Config(_PretrainedCfg):
    """`config.json`; older ones have the fields of `pretrained_cfg` beside the others."""

    architecture: str | None = None
    global_pool: str | None = None
    model_args: dict[str, Any] | None = None
    pretrained_cfg: _PretrainedCfg | None = None


@dataclass(frozen=True)
class TimmConfig:
    """What such a file says."""

    stated: dict[str, Any]
    """Fields of `Preprocessing`; what the file leaves out is missing or None."""
    unknown: dict[str, str]
    """By the field why it could not be read: an option has to state it."""
    image_size: int | None
    in_channels: int | None
    pool: str | None
    """What the head reads in timm's words."""
    labels: list[str] | None
    num_classes: int | None
    architecture: str | None
    arguments: dict[str, Any]

    def model(self, where: str) -> ViTConfig | None:
        """The configuration of one of the usual architectures; None for any other."""
        found = _ARCHITECTURE.fullmatch(self.architecture or "")
        pool = POOLS.get(self.pool or "token")
        if not found or pool is None or not self.arguments.keys() <= _ARGUMENTS.keys():
            return None
        width, heads, depth = _SIZES[found[1]]
        stated = {
            "image_size": self.image_size,
            "in_channels": self.in_channels,
            "num_classes": self.num_classes,
        }
        fields = {
            "patch_size": int(found[2]),
            "image_size": int(found[3]),
            "width": width,
            "heads": heads,
            "depth": depth,
            "pool": pool,
            **{name: value for name, value in stated.items() if value is not None},
            **{_ARGUMENTS[name]: value for name, value in self.arguments.items()},
        }
        try:
            return ViTConfig(**fields)
        except InputError as error:
            raise CheckpointError(
                f"timm's configuration of {where} makes no model ({error}); name the configuration "
                "with --config PRESET or --config FILE.json"
            ) from error


def is_timm(content: Any) -> bool:
    """Whether the content of a `config.json` is timm's."""
    return isinstance(content, Mapping) and (
        isinstance(content.get("pretrained_cfg"), Mapping) or "architecture" in content
    )


def read_timm(content: Any, where: str) -> TimmConfig:
    """What timm's configuration says; raises CheckpointError for values that it cannot have."""
    try:
        config = msgspec.convert(content, _Config)
    except msgspec.ValidationError as error:
        raise CheckpointError(
            f"timm's configuration of {where} is wrong: {one_line(error)}"
        ) from error
    told = config.pretrained_cfg or config
    size = told.input_size
    if size is not None and size[1] != size[2]:
        raise CheckpointError(
            f"timm's configuration of {where} has the input_size {list(size)}; only square inputs "
            "are read"
        )
    words = {
        "resize": (_CROP_MODES, told.crop_mode, "crop_mode", "--resize-rule"),
        "interpolation": (_FILTERS, told.interpolation, "interpolation", "--interpolation"),
    }
    return TimmConfig(
        stated={
            "mean": told.mean,
            "std": told.std,
            "crop_fraction": told.crop_pct,
            **{name: known.get(value or "") for name, (known, value, *_) in words.items()},
        },
        unknown={
            name: f"has the {field} {shown(value)!r}; known are {', '.join(known)}: give {option}"
            for name, (known, value, field, option) in words.items()
            if value and value not in known
        },
        image_size=size[1] if size is not None else None,
        in_channels=size[0] if size is not None else None,
        pool=config.global_pool,
        labels=config.label_names or told.label_names,
        num_classes=config.num_classes if config.num_classes is not None else told.num_classes,
        architecture=config.architecture,
        arguments=config.model_args or {},
    )
