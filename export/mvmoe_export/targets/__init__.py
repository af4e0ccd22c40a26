"""One package per target, one contract; a target is found by its name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.graph_operators import ReadGraph
from mvmoe_export.graph_taps import GraphTap
from mvmoe_export.targets.contract import (
    ExportOptions,
    Records,
    TargetJob,
    TargetOptions,
    TargetPart,
)

KIND = "targets"

__all__ = [
    "KIND",
    "ExportOptions",
    "Records",
    "TargetJob",
    "TargetOptions",
    "TargetPart",
    "engine_of_record",
    "engines_of",
    "find_tap",
    "find_target",
    "options_of_record",
    "reader_of",
    "target_names",
]


def target_names() -> list[str]:
    """The names of the targets that are installed."""
    return part_lookup.names(KIND)


def find_target(name: str, *, plugins: bool = True) -> TargetPart:
    """The target called `name`; raises InputError if no installed package brings it.

    With `plugins=False` one of another distribution is refused and not imported.
    """
    return cast(TargetPart, part_lookup.find(KIND, name, plugins=plugins))


def options_of_record(
    target: str, recorded: Mapping[str, Any], *, plugins: bool = True
) -> TargetOptions:
    """The options that a manifest's record of a target was exported with, of any target.

    Raises InputError for an unknown target, for options that it does not have, and with
    `plugins=False` for parts of other distributions, which are not imported.
    """
    return find_target(target, plugins=plugins).options.of_record(recorded, plugins=plugins)


def reader_of(format_: str, *, plugins: bool) -> Callable[[Path, str], ReadGraph] | None:
    """What reads the operators of a format's graphs; None if its target is not known, or does not.

    Raises InputError if the target is a plug-in's and those are not allowed.
    """
    try:
        return getattr(find_target(format_, plugins=plugins), "read_operators", None)
    except InputError as error:
        if error.code != "part.unknown":
            raise
        return None


def find_tap(
    record: manifest.Target, root: Path, graph: manifest.Graph, *, plugins: bool
) -> GraphTap | None:
    """One graph of a bundle's target, opened to be looked into; None if its target cannot do that.

    Raises InputError if the target is a plug-in's and those are not allowed, BundleError for a file
    that cannot be read, MissingExtraError without the package that reads it.
    """
    try:
        tap = getattr(find_target(record.format, plugins=plugins), "tap", None)
    except InputError as error:
        if error.code != "part.unknown":
            raise
        return None
    return None if tap is None else cast(GraphTap | None, tap(root, record, graph))


def engines_of(format_: str, *, plugins: bool) -> tuple[EngineFacts, ...]:
    """The engines that run graphs of a format; none where its target is not known, or not allowed.

    The name may come from a bundle: a plug-in's target is imported with `plugins` only.
    """
    try:
        return getattr(find_target(format_, plugins=plugins), "engines", ())
    except InputError:
        return ()


def engine_of_record(record: manifest.Target, *, plugins: bool) -> EngineFacts | None:
    """The engine that a bundle's target is shaped for; None if nothing is known of it."""
    engines = engines_of(record.format, plugins=plugins)
    return next((engine for engine in engines if engine.is_chosen(record.options)), None)
