"""What the command line shows: results on stdout, notes on stderr.

A result is a Struct. With `--json` it is printed as one JSON object, else by the command's function
`show`.
"""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from mvmoe_deploy.text import escaped, one_line

if TYPE_CHECKING:
    from rich.console import Console

_READER_GONE = 128 + 13
"""The exit code where whoever read stdout is gone: what a shell gives for SIGPIPE."""

_PIPE_WIDTH = 1000
"""Columns of a table that no terminal shows."""

Result = TypeVar("Result")

Show = Callable[["Console", Result], None]
"""Prints the result of one command for a person."""


def emit(as_json: bool, result: Result, show: "Show[Result]") -> None:
    """Print `result` as one JSON object, or let `show` print it for a person.

    Where nobody reads it any more, as after `| head -1`, the command ends without a word.
    """
    with _for_a_reader():
        _emit(as_json, result, show)


def _emit(as_json: bool, result: Result, show: "Show[Result]") -> None:
    if as_json:
        write_json(result)
        return
    from mvmoe_deploy.system.terminal import SafeConsole

    # Into a file or a pipe each row is one line, whatever is in it: people grep there.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    show(SafeConsole(highlight=False, markup=False, width=width), _printable(result))


@contextlib.contextmanager
def _for_a_reader() -> Iterator[None]:
    """End the command, as SIGPIPE would, if the reader of stdout is gone."""
    try:
        yield
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:  # Rich makes the second of the first.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:  # noqa: PTH123
            # What is buffered would be refused again when the process ends.
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        raise click.exceptions.Exit(_READER_GONE) from error


def write_json(result: Any) -> None:
    """Write `result` to stdout as one line of JSON."""
    # Not by msgspec's encoder: that refuses the surrogates of damaged file names.
    plain = msgspec.to_builtins(result, enc_hook=str)
    sys.stdout.write(json.dumps(plain, allow_nan=False) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def stdout_left_alone() -> Iterator[None]:
    """Send to stderr what is printed in this block: a model's own code may print.

    For a command, whose process is ours: Python has one stdout for all threads.
    """
    with contextlib.redirect_stdout(sys.stderr):
        yield


def note(text: str) -> None:
    """Print one line for the person at the terminal, on stderr."""
    from mvmoe_deploy.system.terminal import SafeConsole

    shown = one_line(text)
    SafeConsole(stderr=True, highlight=False, soft_wrap=True).print(shown, markup=False)


def _printable(value: Any) -> Any:
    """A result with every text in it escaped: a line break in a name would forge a row."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_printable, value))
    if isinstance(value, msgspec.Struct):
        fields = {name: _printable(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            item.name: _printable(getattr(value, item.name)) for item in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    return value
