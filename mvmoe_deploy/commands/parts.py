"""`mvmoe parts`: what is installed, by kind, and where each part comes from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
import msgspec

from mvmoe_deploy import part_lookup as installed_parts
from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit
from mvmoe_deploy.cli.tables import table
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

_BUILT_IN = "mvmoe-deploy"


class InstalledPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its name, its module, and the distribution that brings it."""

    name: str
    module: str
    distribution: str
    built_in: bool
    summary: str | None
    """What it does in one line, where its kind was asked for; of plug-ins' of some kinds only."""


class InstalledParts(msgspec.Struct, frozen=True):
    """All parts that are installed, by their kind."""

    parts: dict[str, tuple[InstalledPart, ...]]


@command()
@click.argument("kind", type=shared_options.OneOf(lambda: installed_parts.PACKAGES), required=False)
def parts(kind: str | None, as_json: bool) -> None:
    """List the parts that are installed, of one KIND or of all: rules, targets, commands, ...

    Of one KIND each part says in one line what it does. No part is imported for it, but those of a
    KIND that is quick to import, such as recipes.
    """
    if kind is not None and kind not in installed_parts.PACKAGES:
        raise InputError(
            f"{kind!r} is no kind of part; the kinds are {', '.join(installed_parts.PACKAGES)}",
            code="input.option",
            name="kind",
            given=kind,
            expected=list(installed_parts.PACKAGES),
        )
    kinds = installed_parts.PACKAGES if kind is None else (kind,)
    said = {} if kind is None else installed_parts.summaries(kind)
    emit(as_json, InstalledParts({name: _parts_of(name, said) for name in kinds}), show)


def _parts_of(kind: str, said: Mapping[str, str]) -> tuple[InstalledPart, ...]:
    """The installed parts of one kind by name, with what they say of themselves."""
    return tuple(
        InstalledPart(
            name=part.name,
            module=part.module,
            distribution=part.distribution or _BUILT_IN,
            built_in=part.distribution is None,
            summary=said.get(part.name),
        )
        for part in installed_parts.installed(kind)
    )


def show(out: "Console", found: InstalledParts) -> None:
    """A table: a row for each part, with a column of summaries if any has one."""
    listed = [(kind, part) for kind, members in found.parts.items() for part in members]
    told = any(part.summary for _, part in listed)
    rows = table("kind", "name", *["what it does"] * told, "from", "module")
    for kind, part in listed:
        origin = "built in" if part.built_in else part.distribution
        rows.add_row(kind, part.name, *[part.summary or "-"] * told, origin, part.module)
    out.print(rows)


PART = parts
