"""Writing files and directories so that a reader sees all of one or nothing.

Also the hash that names their content. Nothing here knows what the files hold.

A write in progress lives in a working directory beside its destination:
`.NAME.partial-HEX/` with `lock` (held by the process that writes), `new` (what will move to the
destination) and, for the moment of a replacement, `old` (what was there).
"""

import contextlib
import errno
import glob
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from mvmoe_deploy.errors import InputError, OutputError

_WORK = ".partial-"
"""Marks the working directories of unfinished writes, beside their destination."""

_LOCK = "lock"
_NEW = "new"
_OLD = "old"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a file may not grow."""

_LONGEST = 48
"""Characters of a name that a working directory repeats; the file system allows 255 bytes."""


@contextlib.contextmanager
def output_errors(what: str) -> Iterator[None]:
    """Turn the operating system's refusals into one sentence about writing `what`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        advice = "free some space" if error.errno in _FULL else "check the path"
        raise OutputError(
            f"{what} could not be written ({_reason(error)}); {advice} and try again, nothing was "
            "left"
        ) from error


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file of the same name, then move it to `path` in one step.

    A file or link that is already at `path` gives way. Raises OutputError when that cannot be
    done; `path` is then as it was.
    """
    path = Path(path)
    with output_errors(str(path)), _working_directory(path) as holder:
        # The name stays the same: writers choose their format by its suffix.
        partial = holder / _NEW / path.name
        partial.parent.mkdir()
        write(partial)
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)


@contextlib.contextmanager
def new_directory(path: Path, replace: bool = False) -> Iterator[Path]:
    """A working directory that becomes `path` in one step when the block ends without an error.

    With `replace` a directory that is already there gives way, at the very end. Raises InputError
    if `path` exists (or appears meanwhile), OutputError if the system refuses; `path` is then as
    it was.
    """
    path = Path(path)
    with output_errors(str(path)), _working_directory(path) as holder:
        _refuse_existing(path, replace)
        work = holder / _NEW
        work.mkdir()
        yield work
        for file in (work, *work.rglob("*")):
            _flush(file)
        _publish(work, path, holder, replace)
        _flush(path.parent)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(work: Path, path: Path, holder: Path, replace: bool) -> None:
    """Move `work` to `path`; between the two moves of a replacement `path` is absent, never half.

    An empty directory at `path` is taken over: that is what `rename` does.
    """
    _refuse_existing(path, replace)
    old = holder / _OLD
    try:
        if replace:
            with contextlib.suppress(FileNotFoundError):
                path.rename(old)
        work.rename(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            old.rename(path)
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise InputError(_exists(path)) from error
        raise


def _refuse_existing(path: Path, replace: bool) -> None:
    """Raise InputError if `path` holds something that may not be replaced."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is no directory; give another output path")
    if path.is_dir() and any(path.iterdir()) and not replace:
        raise InputError(_exists(path))


def _exists(path: Path) -> str:
    return f"{path} exists already; give another output path, or --force to replace it"


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[Path]:
    """A locked directory beside `path`, removed at the end.

    What killed processes left beside `path` is swept first; what a living one holds stays.
    """
    if path.name in ("", ".."):
        raise InputError(f"{path} cannot be replaced as a whole; give a path that ends in a name")
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    holder, lock = _claim(path)
    try:
        yield holder
    finally:
        lock.release()
        shutil.rmtree(holder, ignore_errors=True)


def hidden(path: Path, suffix: str) -> Path:
    """`.NAME<suffix>` beside `path`, of a length that file systems allow."""
    name = path.name
    if len(name) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
        name = f"{name[: _LONGEST - 9]}-{digest}"
    return path.parent / f".{name}{suffix}"


def _marker(path: Path) -> str:
    """How the names of all working directories of `path` begin."""
    return hidden(path, _WORK).name


def _claim(path: Path) -> tuple[Path, FileLock]:
    """A new working directory beside `path` and the lock that says its process lives."""
    while True:
        holder = path.with_name(_marker(path) + uuid.uuid4().hex)
        holder.mkdir()
        lock = FileLock(holder / _LOCK)
        # Another process may sweep the directory between these two lines; then begin again.
        with contextlib.suppress(FileNotFoundError):
            lock.acquire()
            if (holder / _LOCK).exists():
                return holder, lock
            lock.release()


def _sweep(path: Path) -> None:
    """Remove the working directories that killed processes left beside `path`."""
    for holder in path.parent.glob(f"{glob.escape(_marker(path))}*"):
        with contextlib.suppress(Timeout, OSError), FileLock(holder / _LOCK, timeout=0):
            # Killed between the two moves of a replacement: what was there comes back.
            if not path.exists() and (holder / _OLD).exists():
                (holder / _OLD).rename(path)
            shutil.rmtree(holder, ignore_errors=True)


def _reason(error: OSError) -> str:
    """What the system said, and of which file."""
    reason = error.strerror or str(error)
    return f"{reason}: {error.filename}" if error.filename else reason


def _flush(path: Path) -> None:
    """Push a file or directory to the disk, so that a power cut cannot empty it after the move."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
