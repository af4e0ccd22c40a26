"""A command line as a process: signals, temporary files, errors in one sentence, the exit code."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from mvmoe_deploy.cli.error_report import ErrorReport, error_report_of, interruption_report_of
from mvmoe_deploy.cli.output import note, write_json
from mvmoe_deploy.system.processes import interruptible, interruption_in
from mvmoe_deploy.system.standard_streams import stand_in_for_closed
from mvmoe_deploy.system.temporary import private_temporary_files
from mvmoe_deploy.text import escaped

DEBUG: dict[str, Any] = {"is_flag": True, "expose_value": False, "help": "Show tracebacks."}
"""The flag `--debug` of every command."""


def run_command(command: click.Command, program: str, arguments: list[str] | None) -> NoReturn:
    """Run a command line; ends the process with an exit code of `docs/design.md`.

    A command's function gives its exit code, or None for 0.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    stand_in_for_closed()
    _let_debug(command)
    with interruptible():
        code = _run(command, program, arguments)
    sys.exit(code)


def _let_debug(command: click.Command) -> None:
    """Let a single command take `--debug`, which what is said of our own faults asks for.

    The commands of a group have it themselves.
    """
    if not isinstance(command, click.Group):
        known = {word for parameter in command.params for word in parameter.opts}
        if "--debug" not in known:
            command.params.append(click.Option(["--debug"], **DEBUG))


def _run(command: click.Command, program: str, arguments: list[str]) -> int:
    """Run a command line; gives its exit code."""
    try:
        with _temporary_files():
            code = command.main(arguments, prog_name=program, standalone_mode=False)
    except BaseException as error:
        # A terminal that is gone refuses what clean-up prints there: still an interruption.
        interruption = interruption_in(error)
        if interruption is not None or isinstance(error, click.Abort):
            return _report(interruption_report_of(interruption or error), arguments)
        if not isinstance(error, Exception):
            raise
        if "--debug" in arguments:
            sys.stderr.write("\n".join(map(escaped, traceback.format_exc().split("\n"))))
        return _report(error_report_of(error, program), arguments)
    return code if isinstance(code, int) else 0


@contextlib.contextmanager
def _temporary_files() -> Iterator[None]:
    """Remove the temporary files of a command at its end, those of all libraries too.

    Where the system has no place for any, a command that needs none works all the same.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(private_temporary_files())
        yield


def _report(failure: ErrorReport, arguments: list[str]) -> int:
    """Say a failure in one line on stderr, and with `--json` as an object; gives its exit code."""
    with contextlib.suppress(OSError):
        note(f"error: {failure.message}")
    if "--json" in arguments:
        # If stdout itself is what failed, stderr has said so.
        with contextlib.suppress(OSError):
            write_json(failure.data)
    return failure.exit_code
