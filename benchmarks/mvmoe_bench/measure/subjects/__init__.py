"""What can be measured: one folder a subject, found by its name (see `mvmoe_deploy.parts`)."""

from functools import cache
from typing import TYPE_CHECKING

from mvmoe_deploy import parts

if TYPE_CHECKING:
    from mvmoe_bench.measure.subjects.contract import Kind


@cache
def find_kind(name: str) -> "Kind":
    """The subject of that name; raises InputError for an unknown one."""
    found: Kind = parts.find("subjects", name)
    return found
