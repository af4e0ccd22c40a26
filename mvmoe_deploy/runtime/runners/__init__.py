"""One file per engine, found through entry points; none is imported before it is needed."""

from importlib.metadata import entry_points
from pathlib import Path

from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.runtime.contract import Runner

GROUP = "mvmoe.runners"


def runner_names() -> list[str]:
    """The names of the targets that this installation can run."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def open_runner(name: str, root: Path, target: Target, threads: int | None = None) -> Runner:
    """The runner of target `name` for the checked bundle at `root`.

    Raises InputError if there is none, MissingExtraError if its engine is not installed.
    """
    for entry in entry_points(group=GROUP, name=name):
        return entry.load().open(root, target, threads)
    raise InputError(
        f"no runner for target {name!r} is installed; installed are {', '.join(runner_names())}"
    )
