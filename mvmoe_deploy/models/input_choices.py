"""What makes a model's input: what its file states, what a person says, and what is left to guess.

Mean, deviation, crop and filter belong to the training. A wrong one costs accuracy and raises no
error, so each value keeps its origin: nothing is guessed in silence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.refused_values import refused_field
from mvmoe_deploy.preprocessing import Origin, Preprocessing, TrainedField
from mvmoe_deploy.preprocessing.resize_rules import RULE_FIELDS, RULES

OPTIONS: dict[TrainedField, str] = {
    "channel_order": "--channel-order",
    "resize": "--resize-rule",
    "crop_fraction": "--crop",
    "resize_size": "--crop",
    "pad_level": "--pad-level",
    "pad_place": "--pad-place",
    "pad_rounding": "--pad-rounding",
    "interpolation": "--interpolation",
    "mean": "--mean",
    "std": "--std",
}
"""The fields of `Preprocessing` that belong to the training, and the option that sets each."""

_IMAGENET_CROP = 0.875
_CROPS: frozenset[TrainedField] = frozenset({"crop_fraction", "resize_size"})
"""The forms of a crop; a rule reads one of them, or none."""


@dataclass(frozen=True, kw_only=True)
class InputChoices:
    """What a person says of the input; None leaves a field to the checkpoint, or to a default.

    `mean` and `std` are one number for all channels or one for each. `crop` is a fraction, or for
    the rule `torchvision` the pixels of the shorter side after resizing. `pad_level`, `pad_place`
    and `pad_rounding` are for the rule `letterbox`, which has no crop.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    crop: float | None = None
    interpolation: str | None = None
    resize_rule: str | None = None
    pad_level: int | None = None
    pad_place: str | None = None
    pad_rounding: str | None = None
    channel_order: str | None = None

    def __bool__(self) -> bool:
        """Whether any choice was made."""
        return any(getattr(self, field.name) is not None for field in fields(self))


@dataclass(frozen=True)
class ResolvedInput:
    """The input with the origin of each field that belongs to the training."""

    preprocessing: Preprocessing
    origins: dict[TrainedField, Origin]
    replaced: tuple[str, ...] = ()
    """What an option replaced, in words."""


def default_preprocessing(config: ModelConfig) -> Preprocessing:
    """ImageNet's usual statistics for colour, 0.5 and 0.5 for grey, bicubic, timm's centre crop."""
    return resolve_input(config, {}, InputChoices()).preprocessing


def default_origins(preprocessing: Preprocessing) -> dict[TrainedField, Origin]:
    """The origins of an input that no file and no person has stated."""
    return dict.fromkeys(_fields_of(preprocessing), "default")


def unstated(preprocessing: Preprocessing) -> dict[TrainedField, Origin]:
    """The fields whose values are the defaults of `Preprocessing`: whether meant is unknown."""
    defaults = Preprocessing(height=preprocessing.height, width=preprocessing.width)
    return {
        name: "default"
        for name in _fields_of(preprocessing)
        if getattr(preprocessing, name) == getattr(defaults, name)
    }


def resolve_input(
    config: ModelConfig,
    stated: Mapping[str, Any],
    choices: InputChoices,
    guessed: frozenset[str] = frozenset(),
) -> ResolvedInput:
    """The input of a model: a person's `choices`, else what its file `stated`, else defaults.

    `stated` has fields of `Preprocessing`; those of them in `guessed` were defaults when the file
    was written. Raises InputError for values that make no input.
    """
    stated = {name: value for name, value in stated.items() if value is not None}
    asked = _asked(choices, config)
    chosen = {**_defaults(config), **_without_crop(stated), **asked}
    chosen = {**_usual(chosen["resize"]), **_read_by(chosen["resize"], chosen, asked)}
    crop = _crop(choices, stated, chosen["resize"], config, guessed)
    preprocessing = _checked(chosen | {str(name): crop.fields[name] for name in crop.fields})
    origins: dict[TrainedField, Origin] = {}
    for name in _fields_of(preprocessing):
        known: Origin = "default" if name not in stated or name in guessed else "checkpoint"
        origins[name] = "option" if name in asked else known
    origins |= dict.fromkeys(crop.fields, crop.origin)
    replaced = tuple(
        f"{OPTIONS[name]} {words(getattr(preprocessing, name))} replaces the checkpoint's "
        f"{words(stated[name])}"
        for name, origin in origins.items()
        if origin == "option"
        and name in stated
        and name not in guessed
        and stated[name] != getattr(preprocessing, name)
    )
    return ResolvedInput(preprocessing, origins, replaced)


def require_input(config: ModelConfig, preprocessing: Preprocessing) -> None:
    """Refuse a preprocessing that does not make this model's input; raises InputError."""
    if preprocessing.shape != config.input_shape:
        raise InputError(
            f"the preprocessing makes inputs of shape {list(preprocessing.shape)}, but the model "
            f"takes {list(config.input_shape)}",
            code="preprocessing.invalid",
            name="shape",
        )


def words(value: Any) -> str:
    """A field's value as people read it."""
    if isinstance(value, tuple | list):
        return ", ".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def guessed_line(
    preprocessing: Preprocessing, origins: Mapping[TrainedField, Origin]
) -> str | None:
    """One line on the fields that are defaults, with the options that state them; None if none."""
    names = [name for name, origin in origins.items() if origin == "default"]
    if not names:
        return None
    values = "; ".join(f"{name} {words(getattr(preprocessing, name))}" for name in names)
    flags = ", ".join(dict.fromkeys(OPTIONS[name] for name in names))
    return (
        f"input: neither the checkpoint nor an option states these, so they are defaults: {values} "
        f"(give {flags} if the model was trained with others)"
    )


def _defaults(config: ModelConfig) -> dict[str, Any]:
    """The default of every field; the crop is completed when the rule is known."""
    grey = config.in_channels == 1
    return {
        "height": config.image_size,
        "width": config.image_size,
        "channel_order": "L" if grey else "RGB",
        "resize": "timm",
        "interpolation": "bicubic",
        "mean": (0.5,) if grey else (0.485, 0.456, 0.406),
        "std": (0.5,) if grey else (0.229, 0.224, 0.225),
        **config.usual_input,
    }


def _asked(choices: InputChoices, config: ModelConfig) -> dict[str, Any]:
    """A person's choices, as fields of `Preprocessing`; the crop depends on the rule."""
    asked = {
        "channel_order": choices.channel_order,
        "resize": choices.resize_rule,
        "pad_level": choices.pad_level,
        "pad_place": choices.pad_place,
        "pad_rounding": choices.pad_rounding,
        "interpolation": choices.interpolation,
        "mean": _of_each_channel(choices.mean, config),
        "std": _of_each_channel(choices.std, config),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _usual(rule: str) -> dict[str, Any]:
    """What is usual of the fields that a rule reads, but for the crop."""
    usual = RULES[rule].usual if rule in RULES else {}
    return {name: value for name, value in usual.items() if name not in _CROPS}


def _read_by(rule: str, chosen: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the file states for another rule than the one that was chosen.

    What a person states stays: it is refused where the rule does not read it.
    """
    unread = _unread(rule) - asked.keys()
    return {name: value for name, value in chosen.items() if name not in unread}


def _unread(rule: str) -> frozenset[str]:
    """The fields of other rules; none where the rule is unknown, which is refused later."""
    return frozenset(RULE_FIELDS) - RULES[rule].reads if rule in RULES else frozenset()


def _of_each_channel(values: tuple[float, ...] | None, config: ModelConfig) -> Any:
    """One number stands for all channels."""
    return values * config.in_channels if values is not None and len(values) == 1 else values


@dataclass(frozen=True)
class _Crop:
    """The one field of the crop that the rule reads."""

    fields: dict[TrainedField, Any]
    origin: Origin


def _crop(
    choices: InputChoices,
    stated: Mapping[str, Any],
    rule: str,
    config: ModelConfig,
    guessed: frozenset[str],
) -> _Crop:
    """The crop for a rule: a fraction, or pixels; the file's may belong to another rule."""
    pixels: int | None = stated.get("resize_size")
    fraction: float | None = stated.get("crop_fraction")
    unsure = bool(guessed & _CROPS)
    if rule in RULES and not RULES[rule].reads & _CROPS:
        if choices.crop is not None:
            raise InputError(
                f"the crop {choices.crop:g} belongs to another rule than {rule}, which shows all "
                "of the image; leave out --crop",
                code="input.option",
                name="crop",
                given=f"{choices.crop:g}",
            )
        return _Crop({}, "default")
    if choices.crop is not None:
        return _Crop(_crop_fields(choices.crop, rule, config), "option")
    if unsure and rule != stated.get("resize"):
        pixels = fraction = None
    if pixels is None and fraction is None:
        unsure = True
    if fraction is None:
        usual = 1.0 if config.in_channels == 1 else _IMAGENET_CROP
        fraction = RULES[rule].usual.get("crop_fraction", usual) if rule in RULES else usual
    if pixels is not None and rule != "torchvision":
        raise InputError(
            f"--resize-rule {rule} needs --crop too: the checkpoint states a resize size of "
            f"{pixels} pixels, which belongs to the rule torchvision",
            code="input.option",
            name="crop",
        )
    origin: Origin = "default" if unsure else "checkpoint"
    if pixels is not None:
        return _Crop({"resize_size": pixels}, origin)
    return _Crop(_crop_fields(fraction, rule, config), origin)


def _crop_fields(crop: float, rule: str, config: ModelConfig) -> dict[TrainedField, Any]:
    """A fraction, or with `torchvision` pixels, as the field that the rule reads."""
    if rule != "torchvision":
        if not 0 < crop <= 1:
            raise InputError(
                f"the crop {crop:g} is no fraction above 0 and at most 1; pixels belong to "
                "--resize-rule torchvision",
                code="input.option",
                name="crop",
                given=f"{crop:g}",
            )
        return {"crop_fraction": float(crop)}
    if crop > 1 and crop == int(crop):
        return {"resize_size": int(crop)}
    if not 0 < crop <= 1:
        raise InputError(
            f"the crop {crop:g} is neither a fraction above 0 and at most 1 nor the whole number "
            "of pixels of the shorter side after resizing",
            code="input.option",
            name="crop",
            given=f"{crop:g}",
        )
    return {"resize_size": math.floor(config.image_size / crop)}


def _without_crop(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What the file states of the other fields."""
    return {name: value for name, value in stated.items() if name in OPTIONS and name not in _CROPS}


def _fields_of(preprocessing: Preprocessing) -> list[TrainedField]:
    """The fields that could be otherwise: a rule reads some, and grey has no order."""
    unread: set[str] = set(_unread(preprocessing.resize))
    unread |= {"channel_order"} if preprocessing.channels == 1 else set()
    return [name for name in OPTIONS if name not in unread]


def _checked(chosen: Mapping[str, Any]) -> Preprocessing:
    """The record of these fields; raises InputError in words of its own."""
    try:
        return msgspec.convert(dict(chosen), Preprocessing)
    except msgspec.ValidationError as error:
        raise InputError(
            f"the input cannot be {_words_of(chosen)}: {error}",
            code="input.option",
            **refused_field(error),
        ) from error


def _words_of(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {words(value)}" for name, value in chosen.items())
