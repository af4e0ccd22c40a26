"""What a command line says of an error: its code, one sentence, and the exit code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import click
import msgspec

from mvmoe_deploy.cli.kept_work import what_is_kept
from mvmoe_deploy.errors import InputError, MissingExtraError, MvmoeError
from mvmoe_deploy.system.processes import interruption_code
from mvmoe_deploy.text import one_line

_OWN_FAULT = 70


@dataclass(frozen=True)
class ErrorReport:
    """A command that failed: see `docs/errors.md` for `code` and `fields`."""

    code: str
    message: str
    exit_code: int
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def data(self) -> "FailedCommand":
        """What stands in for the command's result with `--json`."""
        return FailedCommand(error=FailureData(self.code, self.message, dict(self.fields)))


class FailureData(msgspec.Struct, frozen=True):
    """An error as data: see `docs/errors.md`."""

    code: str
    message: str
    fields: dict[str, Any]


class FailedCommand(msgspec.Struct, frozen=True):
    """The result of a command that failed."""

    error: FailureData


def interruption_report_of(interruption: BaseException) -> ErrorReport:
    """What is said of Ctrl-C, or of a signal that asked the process to end."""
    message = one_line(f"interrupted; {what_is_kept(interruption)}")
    return ErrorReport("process.interrupted", message, interruption_code(interruption))


def _asked(error: click.ClickException, program: str) -> str:
    """The command whose help says what it takes."""
    context = getattr(error, "ctx", None)
    return program if context is None else str(context.command_path)


def _is_of_a_name(error: UnicodeError) -> TypeGuard[UnicodeEncodeError]:
    """Whether text could not be written because the system gave a name that is none."""
    if not isinstance(error, UnicodeEncodeError):
        return False
    return any("\udc80" <= letter <= "\udcff" for letter in error.object)


def error_report_of(error: Exception, program: str) -> ErrorReport:
    """What is said of an error; `program` is the command line that raised it."""
    if isinstance(error, MvmoeError):
        return ErrorReport(error.code, one_line(error), error.exit_code, error.fields)
    if isinstance(error, click.ClickException):
        message = f"{error.format_message()} (see {_asked(error, program)} --help)"
        return ErrorReport("usage.invalid", one_line(message), InputError.exit_code)
    if isinstance(error, ModuleNotFoundError):
        message = f"{error.name} is not installed; install the package that brings it"
        what = {"what": str(error.name)}
        return ErrorReport("extra.missing", one_line(message), MissingExtraError.exit_code, what)
    if isinstance(error, OSError):
        message = f"the system refused to read or write ({error}); check space and paths"
        return ErrorReport("system.refused", one_line(message), InputError.exit_code)
    if isinstance(error, UnicodeError) and _is_of_a_name(error):
        message = (
            f"a name has bytes that are no text of UTF-8 ({error.object!r}), which files of "
            "results and engines cannot hold; rename it, or, if it is UTF-8, run with "
            "LC_ALL=C.UTF-8"
        )
        return ErrorReport("system.refused", one_line(message, 600), InputError.exit_code)
    message = (
        f"{program} itself failed ({type(error).__name__}: {error}); run it again with --debug and "
        "report what it prints"
    )
    return ErrorReport("internal.error", one_line(message), _OWN_FAULT)
