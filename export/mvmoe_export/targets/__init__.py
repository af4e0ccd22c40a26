"""One package per target, one contract; a target is found by its name."""

from collections.abc import Mapping
from typing import Any, cast

from mvmoe_deploy import parts
from mvmoe_export.targets.contract import ExportOptions, Records, Target, TargetJob, TargetOptions

KIND = "targets"

__all__ = [
    "KIND",
    "ExportOptions",
    "Records",
    "Target",
    "TargetJob",
    "TargetOptions",
    "find_target",
    "options_of_record",
    "target_names",
]


def target_names() -> list[str]:
    """The names of the targets that are installed."""
    return parts.names(KIND)


def find_target(name: str, *, plugins: bool = True) -> Target:
    """The target called `name`; raises InputError if no installed package brings it.

    With `plugins=False` one of another distribution is refused and not imported.
    """
    return cast(Target, parts.find(KIND, name, plugins=plugins))


def options_of_record(
    target: str, recorded: Mapping[str, Any], *, plugins: bool = True
) -> TargetOptions:
    """The options that a manifest's record of a target was exported with, of any target.

    Raises InputError for an unknown target, for options that it does not have, and with
    `plugins=False` for parts of other distributions, which are not imported.
    """
    return find_target(target, plugins=plugins).options.of_record(recorded, plugins=plugins)
