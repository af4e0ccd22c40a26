"""What can be measured: one folder a subject, found by its name (`mvmoe_deploy.part_lookup`)."""

from functools import cache
from typing import TYPE_CHECKING

from mvmoe_deploy import part_lookup

if TYPE_CHECKING:
    from mvmoe_bench.measure.subjects.contract import SubjectKind


@cache
def find_kind(name: str) -> "SubjectKind":
    """The subject of that name; raises InputError for an unknown one."""
    found: SubjectKind = part_lookup.find("subjects", name)
    return found
