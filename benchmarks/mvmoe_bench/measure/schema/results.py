"""Results files: lines that are appended as they are measured, and read back with suspicion.

A file in the making is no output that must appear whole: every line that was measured is kept,
whatever happens to the run. What a line holds is in `lines.py`.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from mvmoe_bench.measure.schema.lines import line_decoder
from mvmoe_bench.measure.schema.records import SCHEMA, VERSION, Done, Record, Run
from mvmoe_deploy.errors import InputError, OutputError
from mvmoe_deploy.strict_json import object_of, require_shallow
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.text import json_text

MAX_FILE_BYTES = 2**31
"""Larger files are refused unread: a rigorous run writes some ten megabytes."""

_FIRST_LINE_BYTES = 64 * 2**20
"""A first line describes every graph of every bundle; it has some hundred kilobytes."""

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True)
class RunLines:
    """One run of a file: its first line, and the lines below it."""

    path: Path
    run: Run
    lines: tuple[Record, ...]
    skipped: int
    """Lines that were truncated or damaged and left out."""


def read(path: Path) -> list[RunLines]:
    """The runs of a file, in order.

    A line that is no record of this version is left out and counted. Raises InputError for a file
    that cannot be read, holds no run, or was written by another version.
    """
    runs: list[tuple[Run, list[Record]]] = []
    skipped: list[int] = []
    decoder = line_decoder()
    for number, text in enumerate(_texts(path), start=1):
        line = _decode(decoder, text, f"line {number} of {path}")
        if isinstance(line, Run):
            runs.append((line, []))
            skipped.append(0)
        elif not runs:
            raise InputError(
                f"{path} does not begin with the first line of a run (line {number}); give a file "
                "that mvmoe bench has written",
                code="results.invalid",
                path=str(path),
            )
        elif line is None or not _belongs(line, runs[-1][0]):
            skipped[-1] += 1
        else:
            runs[-1][1].append(line)
    if not runs:
        raise InputError(
            f"{path} holds no results; give a file that mvmoe bench has written",
            code="results.invalid",
            path=str(path),
        )
    return [
        RunLines(path, run, tuple(lines), missed)
        for (run, lines), missed in zip(runs, skipped, strict=True)
    ]


class ResultsFile:
    """A results file that lines are appended to; each is on disk when `write` returns.

    A device may give lines from another thread than the one that opened the file. No other process
    can open it for lines, or replace it, as long as it is open (see `reserved`).
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file

    @classmethod
    def new(cls, path: Path, run: Run, replace: bool = False) -> Self:
        """Begin a file; raises what `require_free` does, OutputError if it cannot be written."""
        require_free(path, replace)
        files.write_file(
            path,
            lambda partial: partial.write_bytes(_text(run)),
            foreign_to_results if replace else None,
        )
        return cls._append(path)

    @classmethod
    def again(cls, path: Path, lines: Iterable[Record]) -> Self:
        """Replace a file by these lines, in one step, and go on after them."""
        text = b"".join(_text(line) for line in lines)
        files.write_file(path, lambda partial: partial.write_bytes(text), foreign_to_results)
        return cls._append(path)

    @classmethod
    def _append(cls, path: Path) -> Self:
        with output_places.output_errors(str(path), after="it has no measurement yet"):
            file = path.open("ab")
            try:
                _lock(file, path)
            except BaseException:
                file.close()
                raise
        return cls(path, file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def write(self, line: Record) -> None:
        """Append a line; raises OutputError if the system refuses, what is there stays."""
        try:
            self._file.write(_text(line))
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"{self._path} takes no more lines ({error.strerror}); free some space and give "
                "--resume: what was measured until now is in it",
                path=str(self._path),
            ) from error


def require_free(path: Path, replace: bool = False, resume: bool = False) -> None:
    """Refuse a path that no results may be written to; raises InputError or OutputError.

    With `replace` or `resume` a results file may be there, otherwise nothing.
    """
    if os.path.lexists(path) and not (replace or resume):
        raise InputError(
            f"{path} exists; give --resume to go on with it, --force to replace it, or another "
            "path",
            code="output.exists",
            path=str(path),
        )
    output_places.require_file(path, foreign_to_results)


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Keep other processes from a results file while this one looks at it and replaces it.

    Raises InputError if another one is writing to it. What is no file that can be read needs no
    lock: it is refused in other words.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            _lock(stack.enter_context(os.fdopen(descriptor, "rb")), path)
        yield


def _lock(file: BinaryIO, path: Path) -> None:
    """Lock an open file until it is closed; raises InputError if another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except BlockingIOError:
        taken = True
    except OSError:  # Not every file system has locks.
        taken = False
    if taken:
        raise InputError(
            f"another mvmoe bench is writing to {path}; wait until it ends, or give another output",
            code="output.busy",
            path=str(path),
        )


def foreign_to_results(path: Path) -> str | None:
    """Why a file is no results file that may be replaced; None if it is one, of any version."""
    text = (output_places.head(path, _FIRST_LINE_BYTES) or b"").split(b"\n", 1)[0]
    ours = object_of(text).get("schema") == SCHEMA
    return None if ours else "does not hold what mvmoe bench has measured"


def decode_lines(text: bytes) -> Iterator[Record]:
    """The lines that a process wrote, but for those that were cut off."""
    decoder = line_decoder()
    for line in text.splitlines():
        with contextlib.suppress(msgspec.MsgspecError):
            yield decoder.decode(line)


def finished_jobs(previous: RunLines) -> list[Record]:
    """What a resumed run keeps: the lines of jobs that ended, and those of no job.

    A job that did not end is done again from its beginning.
    """
    done = {line.job for line in previous.lines if isinstance(line, Done)}
    return [line for line in previous.lines if getattr(line, "job", None) in done | {None}]


def _texts(path: Path) -> Iterator[bytes]:
    """The lines of a file that are not empty."""
    try:
        if not path.is_file():
            raise InputError(
                f"results {path} is no file; give one that mvmoe bench has written",
                code="results.invalid",
                path=str(path),
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                f"results {path} is larger than {MAX_FILE_BYTES:,} bytes; split it",
                code="results.invalid",
                path=str(path),
            )
        with path.open("rb") as file:
            yield from (text for text in file if text.strip())
    except OSError as error:
        raise InputError(
            f"results {path} cannot be read ({error.strerror})",
            code="results.invalid",
            path=str(path),
        ) from error


def _decode(decoder: msgspec.json.Decoder[Any], text: bytes, where: str) -> Record | None:
    """A line, or None if it is damaged; raises InputError for a run of another version."""
    try:
        text = json_text(text)
        require_shallow(text)
        line: Record = decoder.decode(text)
        return line
    except (msgspec.MsgspecError, ValueError, RecursionError):
        _require_version(text, where)
        return None


def _require_version(text: bytes, where: str) -> None:
    """Refuse the first line of a run that another version has written."""
    content = object_of(text)
    if content.get("kind") != "run":
        return
    found = (content.get("schema"), content.get("version"))
    if found != (SCHEMA, VERSION):
        shown = " version ".join(repr(part)[:60] for part in found)
        raise InputError(
            f"{where} is of the schema {shown}; this release reads {SCHEMA!r} version {VERSION}: "
            "use the release that wrote it, or measure again",
            code="results.unsupported-version",
            format=shown,
        )


def _belongs(line: Record, run: Run) -> bool:
    """Whether a line speaks of a subject of its run, if it speaks of one."""
    subject = getattr(line, "subject", None)
    return subject is None or any(subject == known.key for known in run.subjects)


def _text(line: Record) -> bytes:
    return _ENCODER.encode(line) + b"\n"
