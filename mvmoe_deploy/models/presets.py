"""Configurations by name: those that the families have, or of a JSON file."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.families import families, find_family
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.refused_values import refused_field
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import choices_text, json_text


def preset_names() -> list[str]:
    """The names `preset` knows, of all families."""
    return [name for family in families() for name in family.presets()]


def preset(name: str) -> ModelConfig:
    """The configuration of a preset; raises InputError for an unknown name."""
    for family in families():
        config: ModelConfig | None = family.presets().get(name)
        if config is not None:
            return config
    raise InputError(
        f"preset {name!r} is unknown; {choices_text(name, preset_names())}; give one of the "
        "presets in docs/families, or a JSON file",
        code="input.option",
        name="preset",
        given=str(name),
        expected=preset_names(),
    )


def configuration(preset_or_file: str) -> ModelConfig:
    """The configuration of a preset's name or of a JSON file `{"family": ..., "config": ...}`."""
    path = Path(preset_or_file)
    if path.suffix != ".json":
        return preset(preset_or_file)
    try:
        text = json_text(path.read_bytes())
        require_shallow(text)
        content = msgspec.json.decode(text, type=dict)
    except OSError as error:
        raise InputError(
            f"config file {path} cannot be read ({error.strerror})",
            code="model.config-invalid",
            path=str(path),
        ) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(
            f"config file {path} is not a JSON object: {error}",
            code="model.config-invalid",
            path=str(path),
        ) from error
    return config_from_dict(content.get("family"), content.get("config"), f"config file {path}")


def config_from_dict(family: Any, fields: Any, where: str) -> ModelConfig:
    """The configuration of `family` from plain data; `where` names its source in errors.

    Raises InputError for an unknown family or field, a wrong type, or a value out of range.
    """
    try:
        kind: type[ModelConfig] = find_family(family).config
    except InputError as error:
        raise InputError(
            f"{where} names a model family that is not installed: {error}",
            code=error.code,
            **error.fields,
        ) from error
    if not isinstance(fields, dict):
        raise InputError(
            f"{where} has a config that is no object; give the fields of {family}",
            code="model.config-invalid",
            name="config",
        )
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(fields) - known, key=str):
        raise InputError(
            f"{where} has the unknown field {unknown[0]!r}; "
            f"{choices_text(unknown[0], sorted(known), f'{family} knows')}",
            code="model.config-invalid",
            name=str(unknown[0])[:80],
        )
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{where} does not describe a {family}: {error}",
            code="model.config-invalid",
            **refused_field(error),
        ) from error
