"""One package per engine: its runner, and all else that is known of the engine.

A manifest's `format` names the runner. No package is imported before its runner is asked for.
"""

from collections.abc import Mapping
from pathlib import Path

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.bundle.manifest_faults import of_part
from mvmoe_deploy.errors import BundleError, InputError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import Runner, RunnerPart


def find_runner(name: str, *, plugins: bool = False) -> RunnerPart:
    """The runner of the format `name`; its engine is not imported.

    Raises InputError if there is none, or if it is a plug-in's and those are not allowed.
    """
    runner: RunnerPart = part_lookup.find("runners", name, plugins=plugins)
    return runner


def open_runner(
    root: Path,
    target: Target,
    threads: int | None = None,
    engine_options: Mapping[str, str] | None = None,
    *,
    plugins: bool = False,
) -> Runner:
    """The runner of a target's format for the checked bundle at `root`.

    Where the engine does not exist on this machine's system, the evaluator that the runner names
    as its reference is opened instead; `stands_in_for` says so.

    Raises BundleError if there is no such runner, MissingExtraError if its engine is not installed,
    UnsupportedPlatformError if it does not exist here and has no reference.
    """
    try:
        runner = find_runner(target.format, plugins=plugins)
    except InputError as error:
        fault = of_part(error)
        raise BundleError(str(error), code=fault.code, **fault.fields) from error
    try:
        return runner.open(root, target, threads, engine_options)
    except UnsupportedPlatformError:
        if runner.reference is None:
            raise
    reference = find_runner(runner.reference, plugins=plugins)
    return reference.open(root, target, threads, engine_options)
