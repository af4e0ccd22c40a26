"""What a command line says of an error: one sentence, and the exit code of `docs/design.md`."""

from dataclasses import dataclass
from typing import Any

import click

from mvmoe_deploy.errors import InputError, MissingExtraError, MvmoeError
from mvmoe_deploy.text import one_line

_OWN_FAULT = 70


@dataclass(frozen=True)
class Failure:
    """A command that failed: the class of its error, the sentence, and the exit code."""

    type: str
    message: str
    exit_code: int

    def as_json(self) -> dict[str, Any]:
        """The object that stands in for the command's result with `--json`."""
        return {"error": {"type": self.type, "message": self.message}}


INTERRUPTED = Failure("KeyboardInterrupt", "interrupted; no partial output was written", 130)
"""Ctrl-C, or a signal that asked the process to end."""


def failure_of(error: Exception, program: str) -> Failure:
    """What is said of an error; `program` is the command line that raised it."""
    message, code = _sentence(error, program)
    return Failure(type(error).__name__, one_line(message), code)


def _sentence(error: Exception, program: str) -> tuple[str, int]:
    """The sentence and the exit code of an error."""
    if isinstance(error, MvmoeError):
        return str(error), error.exit_code
    if isinstance(error, click.ClickException):
        return f"{error.format_message()} (see {program} --help)", InputError.exit_code
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{error.name} is not installed; install the package that brings it",
            MissingExtraError.exit_code,
        )
    if isinstance(error, OSError):
        return f"the system refused to read or write ({error}); check space and paths", 2
    return (
        f"{program} itself failed ({type(error).__name__}: {error}); run it again with --debug and "
        "report what it prints",
        _OWN_FAULT,
    )
