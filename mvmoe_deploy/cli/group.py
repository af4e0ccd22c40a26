"""The group of all commands, which imports a command when it is asked for, and the command itself.

A command file declares itself like this:

    @command(extra="onnx")
    @click.argument("bundle")
    def run(bundle: Path, as_json: bool) -> int | None:
        ...  # PyTorch and engines are imported in here

    PART = run
"""

from collections.abc import Callable
from typing import Any

import click

from mvmoe_deploy import __version__, part_lookup
from mvmoe_deploy.cli.process import DEBUG
from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.text import choices_text, quoted


class Command(click.Command):
    """A command that names the extra it needs when one of its packages is not installed."""

    extra: str | None = None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises MissingExtraError if a package is missing."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if self.extra is None:
                raise
            raise MissingExtraError.of(str(error.name), self.extra) from error


def command(
    *, extra: str | None = None, cls: type[Command] = Command
) -> Callable[[Callable[..., int | None]], Command]:
    """Make a function a command with `--json` (its parameter `as_json`) and `--debug`.

    `extra` is the extra of this distribution that brings the packages which the command needs
    beyond the core; `cls` may have more parameters. The function gives an exit code, or None.
    """

    def make(function: Callable[..., int | None]) -> Command:
        made = click.command(cls=cls)(_common(function))
        made.extra = extra
        return made

    return make


def _common(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """The options that every command has."""
    debug = click.option("--debug", **DEBUG)
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    return as_json(debug(function))


class _Commands(click.Group):
    """The parts of the kind `commands`, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands; none is imported."""
        return part_lookup.names("commands")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        try:
            found: click.Command = part_lookup.find("commands", cmd_name)
        except InputError as error:
            if error.code != "part.unknown":
                raise
            return None
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; an unknown name is refused with the nearest one."""
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            told = choices_text(args[0], known, "the commands are")
            ctx.fail(f"there is no command {quoted(args[0])}; {told}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mvmoe")
@click.pass_context
def mvmoe(ctx: click.Context) -> None:
    """Deploy vision models that route each image to some of their experts."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
