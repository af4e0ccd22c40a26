"""What stands beside the weights of a checkpoint: our own JSON, or timm's on a hub.

It gives the configuration, the input, the labels and the usage prior of the model.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families import families, find_family
from mvmoe_deploy.models.input_choices import (
    InputChoices,
    ResolvedInput,
    guessed_line,
    require_input,
    resolve_input,
)
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.presets import config_from_dict
from mvmoe_deploy.models.timm_config import TimmConfig, is_timm, read_timm
from mvmoe_deploy.models.weight_files import CONFIG_FILE, named_by_directory
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import UsagePrior, check_usage_prior
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import json_text, one_line, quoted

FORMAT = "mvmoe-checkpoint"
VERSION = 1
MAX_CONFIG_BYTES = 16 * 2**20

_LONGEST = 200
"""Characters of a name or an error's text that a message quotes."""


class Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The JSON beside the weights."""

    format: str
    version: int
    family: str | None
    """None for a user's own module, which its factory makes: no file says which code is run."""
    config: dict[str, Any]
    preprocessing: Preprocessing
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    guessed: tuple[str, ...] = ()
    """The fields of `preprocessing` that are defaults, stated by no file and no person."""


def read_description(path: Path, metadata: str | None, content: Any) -> Header | TimmConfig | None:
    """What stands beside the weights: our own JSON or timm's; None if there is nothing."""
    where = f"checkpoint {path}"
    text: bytes | str | None = metadata
    if path.is_dir() or metadata is None:
        text = _config_beside(path)
    if text is not None:
        return _parse_description(text, where)
    if not isinstance(content, Mapping):
        return None
    stated = content.get("pretrained_cfg")
    stated = stated if isinstance(stated, Mapping) else _training_options(content)
    return read_timm({"pretrained_cfg": stated}, where) if stated else None


def _training_options(content: Mapping[Any, Any]) -> dict[str, Any]:
    """What the options in a file of timm's `train.py` state of the input; empty for nothing."""
    options = content.get("args")
    if isinstance(options, argparse.Namespace):
        options = vars(options)
    if "arch" not in content or not isinstance(options, Mapping):
        return {}
    names = ("mean", "std", "crop_pct", "crop_mode", "interpolation")
    given = {name: options.get(name) for name in names}
    plain = (str, int, float, list, tuple)
    return {name: value for name, value in given.items() if isinstance(value, plain) and value}


def ignored_config(path: Path, described: Header | TimmConfig | None) -> str | None:
    """One line on a `config.json` of another program beside the weights; None without one."""
    if described is not None or not (path.is_dir() and (path / CONFIG_FILE).is_file()):
        return None
    return f"configuration: {CONFIG_FILE} beside the weights is neither mvmoe's nor timm's: ignored"


def described_config(
    described: Header | TimmConfig | None, config: ModelConfig | None, where: str
) -> ModelConfig:
    """The configuration that a checkpoint brings, or the one that was given."""
    if isinstance(described, Header):
        if described.family is None:
            raise CheckpointError(
                f"{where} holds the weights of a model of your own, whose code a file does not "
                "name; give --model MODULE:FACTORY with --checkpoint",
                code="checkpoint.no-config",
                found="own",
            )
        if config is not None:
            raise CheckpointError(
                f"{where} brings its own configuration; leave --config out", name="config"
            )
        try:
            return config_from_dict(described.family, described.config, where)
        except InputError as error:
            raise CheckpointError(
                f"{where} contradicts itself: {error}",
                code="checkpoint.config-invalid",
                **_named_field(error),
            ) from error
    if isinstance(described, TimmConfig) and config is None:
        config = _config_from_timm(described, where)
        if config is None:
            raise CheckpointError(
                f"timm's configuration of {where} describes {_words_of(described)}, which is not "
                "known here; name the configuration with --config PRESET or --config FILE.json",
                code="checkpoint.no-config",
                found=described.architecture,
            )
    if config is None:
        raise CheckpointError(
            f"{where} holds weights without a configuration of mvmoe or timm; name one with "
            "--config PRESET or --config FILE.json",
            code="checkpoint.no-config",
        )
    return config


def _named_field(error: InputError) -> dict[str, object]:
    """The field of a configuration that an error is about, if it says one."""
    return {"name": error.fields["name"]} if "name" in error.fields else {}


def _config_from_timm(described: TimmConfig, where: str) -> ModelConfig | None:
    """The configuration of timm's architecture by the first family that knows it."""
    for family in families():
        try:
            config: ModelConfig | None = family.config_from_timm(described)
        except InputError as error:
            raise CheckpointError(
                f"timm's configuration of {where} makes no model ({error}); name the configuration "
                "with --config PRESET or --config FILE.json",
                code="checkpoint.config-invalid",
                **_named_field(error),
            ) from error
        if config is not None:
            return config
    return None


def _words_of(described: TimmConfig) -> str:
    """The architecture in timm's file, with what of it may be unknown."""
    words = f"the architecture {quoted(described.architecture)}"
    if described.arguments:
        words += f" with the arguments {quoted(sorted(described.arguments))}"
    return words + (f" and global_pool {quoted(described.pool)}" if described.pool else "")


def described_input(
    described: Header | TimmConfig | None, config: ModelConfig, choices: InputChoices, where: str
) -> ResolvedInput:
    """The model's input: a person's choices, else what the checkpoint states, else defaults."""
    stated: Mapping[str, Any] = {}
    guessed: frozenset[str] = frozenset()
    if isinstance(described, TimmConfig):
        _require_readable(described, choices, where)
    try:
        if isinstance(described, Header):
            require_input(config, described.preprocessing)
            stated = msgspec.structs.asdict(described.preprocessing)
            guessed = frozenset(described.guessed)
        elif described is not None:
            stated = described.stated
        return resolve_input(config, stated, choices, guessed)
    except InputError as error:
        sentence = f"the input of {where} contradicts itself: {error}"
        if choices:
            raise InputError(sentence, code=error.code, **error.fields) from error
        raise CheckpointError(
            sentence, code="checkpoint.config-invalid", **{"name": "input"} | _named_field(error)
        ) from error


def _require_readable(described: TimmConfig, choices: InputChoices, where: str) -> None:
    """Refuse values in timm's file that are unknown here, unless an option states them."""
    options = {"resize": choices.resize_rule, "interpolation": choices.interpolation}
    for name, reason in described.unknown.items():
        if options[name] is None:
            raise CheckpointError(
                f"timm's configuration of {where} {reason}",
                code="checkpoint.config-invalid",
                name=name,
            )


def described_facts(
    described: Header | TimmConfig | None, model: FamilyModel, where: str
) -> tuple[list[str] | None, UsagePrior | None]:
    """The labels and the usage prior, checked against the model."""
    if described is None:
        return None, None
    if isinstance(described, Header):
        check_header(described, model, where)
        return described.labels, described.usage_prior
    check_labels(described.labels, model.config.num_classes, where)
    return described.labels, None


def input_notes(
    described: Header | TimmConfig | None, config: ModelConfig, resolved: ResolvedInput
) -> list[str]:
    """What was replaced, what contradicts the configuration, and what is a default."""
    notes = [f"input: {text}" for text in resolved.replaced]
    if isinstance(described, TimmConfig):
        notes += _contradictions(described, config)
    guessed = guessed_line(resolved.preprocessing, resolved.origins)
    return [*notes, *([guessed] if guessed else [])]


def _contradictions(described: TimmConfig, config: ModelConfig) -> list[str]:
    """Where timm's file and the configuration differ; the configuration and the weights win."""
    pairs = (
        ("image_size", config.image_size, "input_size", described.image_size),
        ("in_channels", config.in_channels, "input_size", described.in_channels),
        ("num_classes", config.num_classes, "num_classes", described.num_classes),
        *find_family(config.family).differences_from_timm(config, described),
    )
    return [
        f"configuration: {name} {given} replaces the checkpoint's {other} {stated}"
        for name, given, other, stated in pairs
        if stated is not None and stated != given
    ]


def check_header(header: Header, model: FamilyModel, where: str) -> None:
    """Refuse labels and a usage prior that are not the model's; raises CheckpointError."""
    check_labels(header.labels, model.config.num_classes, where)
    if header.usage_prior is not None:
        try:
            check_usage_prior(header.usage_prior, model.routing, "its usage prior")
        except InputError as error:
            raise CheckpointError(
                f"{where} contradicts itself: {error}",
                code="checkpoint.config-invalid",
                name="usage_prior",
            ) from error


def check_labels(labels: Sequence[str] | None, classes: int, where: str) -> None:
    """Refuse labels that are not one for each class, or no text; raises CheckpointError."""
    if labels is not None and len(labels) != classes:
        raise CheckpointError(
            f"{where} has {len(labels)} labels for {classes} classes; give one for each",
            code="checkpoint.config-invalid",
            name="labels",
        )
    for label in labels or ():
        if not label.isascii() and label.encode(errors="replace").decode() != label:
            raise CheckpointError(
                f"{where} has the label {label!r}, which is not Unicode text",
                code="checkpoint.config-invalid",
                name="labels",
            )


def _config_beside(path: Path) -> bytes | None:
    """The `config.json` of a directory, or beside a file that is called as in a directory.

    None if there is none, or if it is another program's. In a directory a damaged one is given:
    it was meant.
    """
    file = (path if path.is_dir() else path.parent) / CONFIG_FILE
    if not file.is_file() or not (path.is_dir() or named_by_directory(path)):
        return None
    text = _read_config(file)
    try:
        require_shallow(text)
        fields = msgspec.json.decode(json_text(text), type=dict)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text if path.is_dir() else None
    if is_timm(fields) or fields.get("format") == FORMAT:
        return text
    return text if path.is_dir() and "format" in fields else None


def _parse_description(text: bytes | str, where: str) -> Header | TimmConfig:
    """The JSON of a directory's `config.json` or of a file's metadata."""
    if len(text) > MAX_CONFIG_BYTES:
        raise CheckpointError(
            f"the configuration of {where} has {len(text):,} bytes; at most "
            f"{MAX_CONFIG_BYTES:,} are read",
            code="checkpoint.too-large",
        )
    try:
        text = text.encode() if isinstance(text, str) else json_text(text)
        require_shallow(text)
        fields = msgspec.json.decode(text, type=dict)
        if is_timm(fields):
            return read_timm(fields, where)
        header = msgspec.json.decode(text, type=Header)
    except CheckpointError:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"the configuration of {where} is wrong: {one_line(error, _LONGEST)}",
            code="checkpoint.config-invalid",
        ) from error
    if (header.format, header.version) != (FORMAT, VERSION):
        raise CheckpointError(
            f"{where} is {quoted(header.format)} version {header.version}; this release reads "
            f"{FORMAT!r} version {VERSION}",
            code="checkpoint.unsupported-version",
            format=quoted(header.format),
            version=header.version,
        )
    return header


def _read_config(file: Path) -> bytes:
    """The bytes of `config.json`, of a larger one no more than show that it is."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise CheckpointError(
            f"{file} cannot be read ({error.strerror})",
            code="checkpoint.missing",
            path=str(file),
        ) from error
