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


def find_target(name: str) -> Target:
    """The target called `name`; raises InputError if no installed package brings it."""
    return cast(Target, parts.find(KIND, name))


def options_of_record(target: str, recorded: Mapping[str, Any]) -> TargetOptions:
    """The options that a manifest's record of a target was exported with, of any target.

    Raises InputError for an unknown target, and for options that it does not have.
    """
    return find_target(target).options.of_record(recorded)
