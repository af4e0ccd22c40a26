"""What turns an image into a model's input: the record that checkpoints and manifests carry."""

from typing import Annotated, Literal

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.resize_rules import RULE_FIELDS, RULES, ResizeRule

Origin = Literal["default", "checkpoint", "option"]
"""Where the value of a field comes from: a default, the checkpoint, or an option of the export."""

TrainedField = Literal[
    "channel_order",
    "resize",
    "crop_fraction",
    "resize_size",
    "pad_level",
    "pad_place",
    "pad_rounding",
    "interpolation",
    "mean",
    "std",
]
"""The fields of `Preprocessing` that belong to a model's training."""

Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Mean = Annotated[float, msgspec.Meta(ge=-1000, le=1000)]
Std = Annotated[float, msgspec.Meta(ge=1e-6, le=1000)]


class Preprocessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What turns an image into the model's input `[channels, height, width]`, fp32.

    1. Decode, apply the colour profile and the EXIF orientation, convert to `channel_order` (alpha
       is dropped, 16 bits a channel keep their high byte, an animation gives its first frame).
    2. `resize` names the rule. `timm`: timm's crop mode `center`, the shorter side becomes
       size / `crop_fraction` and the centre is cut out. `torchvision`: `Resize(resize_size)`, then
       `CenterCrop`. `squash`: both sides become size / `crop_fraction` whatever the proportions,
       then the centre. `border`: timm's crop mode `border`, the longer side becomes that, and what
       is missing is filled with `mean`. `letterbox`: all of the image, and `pad_level` beside it,
       in equal parts `around` it or at the `right-bottom`; the shorter side is rounded to the
       `nearest` pixel or `down`.
    3. `x = pixel / 255`, then `(x - mean) / std` per channel.
    """

    height: Side
    width: Side
    channel_order: Literal["RGB", "BGR", "L"] = "RGB"
    resize: Literal["timm", "torchvision", "squash", "border", "letterbox"] = "timm"
    crop_fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    resize_size: Side | None = None
    pad_level: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    pad_place: Literal["around", "right-bottom"] | None = None
    pad_rounding: Literal["nearest", "down"] | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bicubic"
    mean: tuple[Mean, ...] = (0.485, 0.456, 0.406)
    std: tuple[Std, ...] = (0.229, 0.224, 0.225)

    @property
    def channels(self) -> int:
        """Channels of the input: 1 for `L`, else 3."""
        return len(self.channel_order)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The input's shape without its batch: `(channels, height, width)`."""
        return self.channels, self.height, self.width

    @property
    def rule(self) -> ResizeRule:
        """What `resize` names."""
        return RULES[self.resize]

    def __post_init__(self) -> None:
        """Refuse statistics that do not fit the channels."""
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != self.channels or not np.isfinite(values).all():
                raise InputError(
                    f"{name} has {len(values)} values ({list(values[:8])}); channel order "
                    f"{self.channel_order} needs {self.channels} finite ones",
                    code="preprocessing.invalid",
                    name=name,
                )
        if min(self.std) <= 0:
            raise InputError(
                f"std {list(self.std)} must be above zero in every channel",
                code="preprocessing.invalid",
                name="std",
            )
        self._require_rule()

    def _require_rule(self) -> None:
        """Refuse fields that the rule of `resize` does not read, and values that it cannot use."""
        for name, unread in RULE_FIELDS.items():
            if name not in self.rule.reads and getattr(self, name) != unread:
                raise InputError(
                    f"{name} {getattr(self, name)} belongs to another rule than {self.resize}, "
                    f"which reads {', '.join(sorted(self.rule.reads))}; leave it out",
                    code="preprocessing.invalid",
                    name=name,
                )
        self.rule.require(self)
