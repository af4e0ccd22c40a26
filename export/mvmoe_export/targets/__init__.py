"""One package per target, one contract; targets are found through entry points."""

from importlib.metadata import entry_points

from mvmoe_deploy.errors import InputError
from mvmoe_export.targets.contract import ExportOptions, Records, Target, Work

GROUP = "mvmoe.targets"

__all__ = ["GROUP", "ExportOptions", "Records", "Target", "Work", "find_target", "target_names"]


def target_names() -> list[str]:
    """The names of the targets that are installed."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_target(name: str) -> Target:
    """The target called `name`; raises InputError if no installed package brings it."""
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()()
    raise InputError(
        f"target {name!r} is unknown; installed are {', '.join(target_names()) or 'none'}"
    )
