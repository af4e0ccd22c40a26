"""The flags of `mvmoe export` that single targets read, made from the options of each target.

The field `bar` of the target `foo` is the flag `--foo-bar`; a field of several values may be given
several times. A target of a plug-in has its flags in the same way.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, get_args

import click
import msgspec

from mvmoe_deploy.cli.shared_options import OneOf
from mvmoe_export.targets import find_target, target_names
from mvmoe_export.targets.contract import TargetOptions, choices, description, is_tuple, plain_type

_TYPES = {int: click.INT, float: click.FLOAT, bool: click.BOOL}


def target_flags() -> list[click.Parameter]:
    """The flags of every installed target."""
    return [
        _flag(f"{target}-{field.name}".replace("_", "-"), _parameter(target, field.name), field)
        for target, kind in _kinds()
        for field in msgspec.structs.fields(kind)
    ]


def take_target_options(parameters: dict[str, Any]) -> dict[str, TargetOptions]:
    """The options of every target, taken out of a command's parameters.

    Raises InputError for a value that a target does not know.
    """
    return {target: kind(**_taken(target, kind, parameters)) for target, kind in _kinds()}


def _kinds() -> Iterator[tuple[str, type[TargetOptions]]]:
    """Every target with the class of its options; a plug-in that cannot be imported is left out.

    It is refused, with the reason, when the target is asked for.
    """
    for name in target_names():
        try:
            yield name, find_target(name).options
        except Exception:  # A plug-in raises what it likes; other targets work without it.
            continue


def _taken(
    target: str, kind: type[TargetOptions], parameters: dict[str, Any]
) -> Mapping[str, object]:
    """The values of one target's fields; of several values, each once."""
    values = {}
    for field in msgspec.structs.fields(kind):
        value = parameters.pop(_parameter(target, field.name))
        values[field.name] = tuple(dict.fromkeys(value)) if is_tuple(field.type) else value
    return values


def _choices(field: msgspec.structs.FieldInfo) -> list[str]:
    """What a shell completes of a flag."""
    return [str(choice) for choice in choices(field.type)]


def _parameter(target: str, field: str) -> str:
    return f"{target}_{field}".replace("-", "_")


def _flag(name: str, parameter: str, field: msgspec.structs.FieldInfo) -> click.Option:
    """The flag of one field."""
    declared, several = plain_type(field.type), is_tuple(field.type)
    if several:
        declared = plain_type(get_args(declared)[0])
    known = ", ".join(map(str, choices(field.type)))
    words = [description(field.type), f"One of {known}." if known else ""]
    return click.Option(
        [f"--{name}", parameter],
        type=_TYPES.get(declared) or OneOf(partial(_choices, field)),
        default=field.default,
        multiple=several,
        show_default=True,
        help=" ".join(filter(None, words)),
    )
