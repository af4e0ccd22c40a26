"""timm's `config.json` on a hub: what the training used, the classes, and the architecture's name.

Which configuration an architecture is, the families say.

https://huggingface.co/docs/timm/hf_hub: `architecture`, `num_classes`, `pretrained_cfg`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models.refused_values import refused_field
from mvmoe_deploy.text import name as shown
from mvmoe_deploy.text import one_line

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
            f"timm's configuration of {where} is wrong: {one_line(error)}",
            code="checkpoint.config-invalid",
            **refused_field(error),
        ) from error
    pretrained = config.pretrained_cfg or config
    size = pretrained.input_size
    if size is not None and size[1] != size[2]:
        raise CheckpointError(
            f"timm's configuration of {where} has the input_size {list(size)}; only square inputs "
            "are read",
            code="checkpoint.config-invalid",
            name="input_size",
        )
    words = {
        "resize": (_CROP_MODES, pretrained.crop_mode, "crop_mode", "--resize-rule"),
        "interpolation": (_FILTERS, pretrained.interpolation, "interpolation", "--interpolation"),
    }
    return TimmConfig(
        stated={
            "mean": pretrained.mean,
            "std": pretrained.std,
            "crop_fraction": pretrained.crop_pct,
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
        labels=config.label_names or pretrained.label_names,
        num_classes=config.num_classes
        if config.num_classes is not None
        else pretrained.num_classes,
        architecture=config.architecture,
        arguments=config.model_args or {},
    )
