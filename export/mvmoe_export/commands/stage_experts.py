"""Experts of a routed stage on the command line: `STAGE:EXPERTS`, as `1:0,3`."""

import re
from collections.abc import Sequence

import click

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing import Route
from mvmoe_deploy.text import quoted

_FORM = re.compile(r"([0-9]{1,4}):([0-9]{1,4}(?:,[0-9]{1,4})*)")


class StageExperts(click.ParamType):  # type: ignore[type-arg]  # generic in new click only
    """The number of a routed stage, from 1, and experts of it in any order, each once."""

    name = "STAGE:EXPERTS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, Route]:
        """The stage and the experts in ascending order; raises InputError for another form."""
        if isinstance(value, tuple):
            return value
        name = (param.opts[0] if param else "").removeprefix("--")
        found = _FORM.fullmatch(str(value))
        experts = [] if found is None else [int(number) for number in found[2].split(",")]
        if found is None or len(set(experts)) < len(experts):
            raise InputError(
                f"--{name} was given {quoted(str(value))}; give the number of a routed stage and "
                "experts of it, each once, as 1:0,3",
                code="input.option",
                name=name,
                given=str(value)[:200],
            )
        return int(found[1]), tuple(sorted(experts))


def by_stage(given: Sequence[tuple[int, Route]], name: str) -> dict[int, Route]:
    """What was given by stage; raises InputError for a stage that was given twice."""
    found: dict[int, Route] = {}
    for stage, experts in given:
        if stage in found:
            raise InputError(
                f"--{name} was given twice for stage {stage}; give it once",
                code="input.option",
                name=name,
                given=stage,
            )
        found[stage] = experts
    return found
