"""A trained dense model made into one of a family that starts from it, and how exact that is."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families import find_family, seeded
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.presets import config_from_dict

_IMAGES, _SEED = 4, 0
"""Images of noise that answers are compared on, and their seed."""

_ROUNDING = 1e-3
"""More than sums in another order make of an ill-conditioned model; a part in the wrong place makes
a tenth and more."""


class Differences(NamedTuple):
    """The largest difference of a model's answers from the dense one's, relative to its largest.

    Of the same images of noise, in fp32.
    """

    complete: float | None
    """With every expert active; None for a family that has no such answer."""
    routed: float
    """As the model answers, with the routes of its routers."""


def converted_config(
    dense: ModelConfig, family: str, settings: Mapping[str, str], where: str
) -> ModelConfig:
    """The configuration of `family` with a dense model's sizes and a person's `settings`.

    `settings` are fields that the dense model lacks, as texts. Raises InputError for other names
    or values, a family that is not made of a dense model, and a model that was made of one already.
    """
    _require_dense(dense, where)
    known = {field.name for field in dataclasses.fields(find_family(family).config)}
    sizes = dataclasses.asdict(dense)
    own = sorted(known - set(sizes))
    for name in settings:
        if name not in own:
            raise InputError(
                f"--set {name} is no field that a {family} has beyond the dense model; its fields "
                f"are {', '.join(own) or 'none'}",
                code="input.option",
                name=name,
                expected=own,
            )
    fields = sizes | {name: _value(text) for name, text in settings.items()}
    config = config_from_dict(family, fields, f"the {family} of {where}")
    find_family(family).dense(config)
    return config


def convert(dense: FamilyModel, config: ModelConfig, seed: int) -> FamilyModel:
    """The model of `config` with a dense model's weights; what that lacks is drawn by `seed`.

    The input stays as it is. Raises InputError for a dense model of another family.
    """
    with seeded(seed):
        model: FamilyModel = find_family(config.family).from_dense(dense, config)
    model.input_origins = dict(dense.input_origins)
    return model.eval()


def differences(model: FamilyModel, dense: FamilyModel) -> Differences:
    """How far a model's answers are from those of the dense one that it was made of."""
    generator = torch.Generator().manual_seed(_SEED)
    images = torch.randn(_IMAGES, *dense.config.input_shape, generator=generator)
    with torch.no_grad():
        wanted = dense(images)
        complete = model.forward_complete(images)
        routed = model(images)
    return Differences(
        complete=None if complete is None else _relative(complete, wanted),
        routed=_relative(routed, wanted),
    )


def require_exact(found: Differences, what: str) -> None:
    """Refuse a model that is not the dense one with every expert active; raises CheckFailedError.

    Where a family has no such answer, nothing is required.
    """
    if found.complete is not None and not found.complete <= _ROUNDING:
        raise CheckFailedError(
            f"{what} answers otherwise than the dense model with every expert active: by "
            f"{found.complete:.2g} of the largest value, and {_ROUNDING:g} would be rounding; "
            "nothing was written",
            code="check.conversion",
        )


def _relative(given: Tensor, wanted: Tensor) -> float:
    """The largest difference, relative to the largest value that was wanted."""
    scale = wanted.abs().max().clamp(min=torch.finfo(wanted.dtype).tiny)
    return float((given - wanted).abs().max() / scale)


def _require_dense(config: ModelConfig, where: str) -> None:
    """Refuse a model that was made of a dense one: only such a model has a dense twin."""
    try:
        twin = find_family(config.family).dense(config)
    except InputError:
        return
    raise InputError(
        f"{where} is a {config.family} already, which was made of a dense {twin.family}; give the "
        f"checkpoint of the {twin.family}",
        code="model.config-invalid",
        name="family",
        expected=twin.family,
        found=config.family,
    )


def _value(text: str) -> Any:
    """A number, truth value or null as JSON writes it; any other text is itself."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
