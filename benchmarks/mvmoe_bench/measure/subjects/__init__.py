"""What can be measured: one folder a subject, found by its name (see `mvmoe_deploy.parts`)."""

from functools import cache
from typing import TYPE_CHECKING

from mvmoe_deploy import parts

if TYPE_CHECKING:
    from mvmoe_bench.measure.subjects.contract import SubjectKind


@cache
def find_kind(name: str) -> "SubjectKind":
    """The subject of that name; raises InputError for an unknown one."""
    found: SubjectKind = parts.find("subjects", name)
    return found
