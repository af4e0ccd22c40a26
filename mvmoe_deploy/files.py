"""Writing files and directories so that a reader sees all of one or nothing.

Also the hash that names their content. Nothing here knows what the files hold.
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
"""In a working directory: held by the process that writes there."""


@contextlib.contextmanager
def output_errors(what: str) -> Iterator[None]:
    """Turn the operating system's refusals into one sentence about writing `what`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "free some space" if error.errno == errno.ENOSPC else "check the path"
        raise OutputError(
            f"{what} could not be written ({reason}); {advice} and try again, nothing was left"
        ) from error


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there in one step.

    Raises OutputError when that cannot be done; `path` is then as it was.
    """
    with output_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = _beside(path)
        try:
            write(partial)
            _flush(partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def new_directory(path: Path, replace: bool = False) -> Iterator[Path]:
    """A working directory that becomes `path` in one step when the block ends without an error.

    With `replace` a directory that is already there gives way, at the very end. Working
    directories that a killed process left beside `path` are swept first; one that a living
    process holds is left alone. Raises InputError if `path` exists (or appears meanwhile).
    """
    _refuse_existing(path, replace)
    with output_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        holder, lock = _claim(path)
    work = holder / "new"
    try:
        work.mkdir()
        with output_errors(str(path)):
            yield work
            for file in work.rglob("*"):
                _flush(file)
            _publish(work, path, holder, replace)
    finally:
        lock.release()
        shutil.rmtree(holder, ignore_errors=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(work: Path, path: Path, holder: Path, replace: bool) -> None:
    """Move `work` to `path`; between the two moves of a replacement `path` is absent, never half.

    An empty directory at `path` is taken over: that is what `rename` does.
    """
    _refuse_existing(path, replace)
    if replace and path.exists():
        path.rename(holder / "old")
    try:
        work.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise InputError(_exists(path)) from error
        raise
    _flush(path.parent)


def _refuse_existing(path: Path, replace: bool) -> None:
    """Raise InputError if `path` holds something that may not be replaced."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is no directory; give another output path")
    if path.is_dir() and any(path.iterdir()) and not replace:
        raise InputError(_exists(path))


def _exists(path: Path) -> str:
    return f"{path} exists already; give another output path, or --force to replace it"


def _beside(path: Path) -> Path:
    """A fresh name beside `path` for a write in progress."""
    return path.with_name(f".{path.name}{_WORK}{uuid.uuid4().hex}")


def _claim(path: Path) -> tuple[Path, FileLock]:
    """A new working directory beside `path` and the lock that says its process lives."""
    while True:
        holder = _beside(path)
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
    for holder in path.parent.glob(f".{glob.escape(path.name)}{_WORK}*"):
        with contextlib.suppress(Timeout, OSError), FileLock(holder / _LOCK, timeout=0):
            shutil.rmtree(holder, ignore_errors=True)


def _flush(path: Path) -> None:
    """Push a file or directory to the disk, so that a power cut cannot empty it after the move."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
