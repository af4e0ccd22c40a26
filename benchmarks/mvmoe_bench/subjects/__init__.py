"""What can be measured: one file a subject, found through entry points."""

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from mvmoe_bench.subjects.contract import Kind

GROUP = "mvmoe.bench_subjects"


def kind_names() -> list[str]:
    """The subjects of this installation."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


@cache
def find_kind(name: str) -> "Kind":
    """The module of a subject; raises InputError for a name that nobody has."""
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    raise InputError(f"subject {name!r} is unknown; known are {', '.join(kind_names())}")
