"""One file per engine, found through entry points; none is imported before it is needed."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import InputError, MissingExtraError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import Runner

GROUP = "mvmoe.runners"
REFERENCE_GROUP = "mvmoe.reference_runners"
"""Evaluators that stand in for an engine where it does not exist. Slow, and for checking only."""


def runner_names() -> list[str]:
    """The names of the targets that this installation can run."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def open_runner(
    root: Path,
    target: Target,
    threads: int | None = None,
    engine_options: Mapping[str, str] | None = None,
) -> Runner:
    """The runner of a target's format for the checked bundle at `root`; `description` says which.

    Raises InputError if there is none, MissingExtraError if its engine is not installed,
    UnsupportedPlatformError if it does not exist here and nothing stands in for it.
    """
    name = target.format
    for entry in entry_points(group=GROUP, name=name):
        try:
            return entry.load().open(root, target, threads, engine_options)
        except UnsupportedPlatformError as error:
            return _open_reference(error, name, root, target, threads, engine_options)
    raise InputError(
        f"no runner for the format {name!r} is installed; installed are {', '.join(runner_names())}"
    )


def _open_reference(error: UnsupportedPlatformError, name: str, *arguments: object) -> Runner:
    """What stands in for an engine that does not exist here; raises `error` if nothing does."""
    for entry in entry_points(group=REFERENCE_GROUP, name=name):
        try:
            return entry.load().open(*arguments)
        except MissingExtraError:
            raise
        except ImportError as missing:
            raise MissingExtraError.of(
                f"{missing.name}, which the reference evaluator of {name} needs,", f"export,{name}"
            ) from missing
    raise error
