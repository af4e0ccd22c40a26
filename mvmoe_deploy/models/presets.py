"""Configurations by name: those that the families have, or of a JSON file."""

import dataclasses
from collections.abc import Collection
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
    """The configuration of a preset's name or of a JSON file.

    The file is `{"preset": NAME, "config": {...}}`, a preset with other values in the fields of
    `config`; or `{"family": NAME, "config": {...}}`, where what is left out has the family's own
    default (`left_to_defaults`), which need not be any preset's. Raises InputError.
    """
    path = Path(preset_or_file)
    if path.suffix != ".json":
        return preset(preset_or_file)
    content, where = _content(path), f"config file {path}"
    family, fields = content.get("family"), content.get("config")
    if "preset" in content:
        base = _base(content["preset"], family, where)
        family = base.family
        if fields is None or isinstance(fields, dict):
            fields = {**dataclasses.asdict(base), **(fields or {})}
    return config_from_dict(family, fields, where)


def left_to_defaults(preset_or_file: str | None, said: Collection[str] = ()) -> str | None:
    """One line on the fields that a JSON file without a preset leaves out, with their values.

    `said` are fields that something else has said.

    None for a preset, a file that names one, and a file that says everything. Raises InputError as
    `configuration` does.
    """
    if preset_or_file is None or Path(preset_or_file).suffix != ".json":
        return None
    content = _content(Path(preset_or_file))
    if "preset" in content:
        return None
    config = configuration(preset_or_file)
    left = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in content["config"] and field.name not in said
    }
    if not left:
        return None
    values = ", ".join(f"{name} {value}" for name, value in left.items())
    return (
        f"configuration: {preset_or_file} leaves out {len(left)} fields, which have the defaults "
        f"of {config.family}: {values}; name a preset in it to take those of the preset"
    )


def with_fields(config: ModelConfig, **fields: Any) -> ModelConfig:
    """A configuration with other values; None leaves a field as it is.

    Raises InputError for a field that its family lacks, and for values that make no network.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    known = {field.name for field in dataclasses.fields(config)}
    if unknown := sorted(given.keys() - known):
        raise InputError(
            f"{unknown[0]} was given, but a {config.family} has no such field; it has "
            f"{', '.join(sorted(known))}",
            code="input.option",
            name=unknown[0],
        )
    return config.replace(**given)


def _base(name: Any, family: Any, where: str) -> ModelConfig:
    """The preset that a file begins with; raises InputError for one of another family."""
    if not isinstance(name, str):
        raise InputError(
            f"{where} has a preset that is no text; give the name of one",
            code="model.config-invalid",
            name="preset",
        )
    base = preset(name)
    if family not in (None, base.family):
        raise InputError(
            f"{where} names the family {family!r} and the preset {name}, which is a {base.family}; "
            "leave the family out",
            code="model.config-invalid",
            name="family",
            expected=base.family,
            found=str(family)[:80],
        )
    return base


def _content(path: Path) -> dict[str, Any]:
    """The object of a JSON file; raises InputError."""
    try:
        text = json_text(path.read_bytes())
        require_shallow(text)
        content: dict[str, Any] = msgspec.json.decode(text, type=dict)
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
    return content


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
