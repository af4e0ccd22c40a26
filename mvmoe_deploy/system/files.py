"""Writing files and directories so that a reader sees all of one or nothing.

Also the hash that names their content. Nothing here knows what the files hold; what may be replaced
is said by the caller (see `output_places.py`).

A write in progress lives in a working directory beside its destination:
`.NAME.partial-HEX/` with `mvmoe.lock` (held by the process that writes), `new` (what will move to
the destination) and, for the moment of a replacement, `old` (what was there).
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from mvmoe_deploy.errors import InputError, OutputError
from mvmoe_deploy.system.output_places import (
    Foreign,
    exists_sentence,
    output_errors,
    require_directory,
    require_file,
    require_name,
)

_WORK = ".partial-"
"""Marks the working directories of unfinished writes, beside their destination."""

_LEFTOVER = re.compile(rf"\.(.+){re.escape(_WORK)}[0-9a-f]{{32}}", re.DOTALL)
"""The name of a working directory."""

_LOCK = "mvmoe.lock"
_NEW = "new"
_OLD = "old"

_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""What the system says when something has appeared where a directory should go."""

_LONGEST = 48
"""Characters of a name that a working directory repeats; the file system allows 255 bytes."""


def write_file(path: Path, write: Callable[[Path], object], replace: Foreign | None = None) -> None:
    """Let `write` fill a temporary file of the same name, then move it to `path` in one step.

    Without `replace` nothing may be at `path`; with it, a file that it does not call foreign is
    replaced. Raises InputError for what may not be replaced, before `write` is called or when it
    has appeared meanwhile, OutputError if the system refuses; `path` is then as it was.
    """
    path = Path(path)
    require_file(path, replace)
    with output_errors(str(path)), _working_directory(path) as holder:
        # The name stays the same: writers choose their format by its suffix.
        partial = holder / _NEW / path.name
        partial.parent.mkdir()
        write(partial)
        _flush(partial)
        _publish_file(partial, path, replace)
        _flush_published(path)


@contextlib.contextmanager
def new_directory(path: Path, replace: Foreign | None = None) -> Iterator[Path]:
    """A working directory that becomes `path` in one step when the block ends without an error.

    Without `replace` nothing but an empty directory may be at `path`; with it, a directory that it
    does not call foreign is replaced, at the very end. Raises InputError for what may not be
    replaced, before the block or when it has appeared meanwhile, OutputError if the system
    refuses; `path` is then as it was.
    """
    path = Path(path)
    with output_errors(str(path)), _working_directory(path) as holder:
        require_directory(path, replace)
        work = holder / _NEW
        work.mkdir()
        yield work
        for file in (work, *work.rglob("*")):
            _flush(file)
        _publish(work, path, holder, replace)
        _flush_published(path)


def utf8_path(path: Path) -> str:
    """A path as engines take it, which read names as UTF-8 whatever the locale is.

    Raises InputError for a name that is no UTF-8.
    """
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the path {path} is no text of UTF-8, and engines open no other; rename it"
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hidden(path: Path, suffix: str) -> Path:
    """`.NAME<suffix>` beside `path`, of a length that file systems allow."""
    name = path.name
    if len(name) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
        name = f"{name[: _LONGEST - 9]}-{digest}"
    return path.parent / f".{name}{suffix}"


def sweep(folder: Path) -> None:
    """Remove the working directories that killed processes left in `folder`."""
    for holder in folder.iterdir():
        if found := _LEFTOVER.fullmatch(holder.name):
            _sweep_one(holder, folder / found[1])


def _publish_file(partial: Path, path: Path, replace: Foreign | None) -> None:
    """Move a finished file to `path`, looking again at what is there."""
    try:
        # Never replaces: the system refuses if anything is there.
        os.link(partial, path)
    except OSError:
        require_file(path, replace)
        partial.replace(path)


def _publish(work: Path, path: Path, holder: Path, replace: Foreign | None) -> None:
    """Move `work` to `path`; between the two moves of a replacement `path` is absent, never half.

    What is replaced is checked again after it was moved away, when others can no longer change it.
    An empty directory at `path` is replaced without that: `rename` does so.
    """
    require_directory(path, replace)
    old = holder / _OLD
    try:
        if replace is not None:
            with contextlib.suppress(FileNotFoundError):
                path.rename(old)
            require_directory(path, replace, now=old)
        work.rename(path)
    except BaseException as error:
        if _exists(work):
            _restore(old, path)
        if isinstance(error, OSError) and error.errno in _OCCUPIED:
            raise InputError(
                exists_sentence(path),
                code="output.exists",
                path=str(path),
            ) from error
        raise


def _restore(old: Path, path: Path) -> None:
    """Undo the first move of a replacement; raises OutputError if something is at `path`."""
    try:
        if _exists(old):
            old.rename(path)
    except OSError as error:
        raise OutputError(
            f"{path} could not be replaced: something else has appeared there; what was there "
            f"before is in {old}",
            path=str(path),
        ) from error


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[Path]:
    """A locked directory beside `path`, removed at the end.

    Working directories of killed processes beside `path` are removed first, those of running ones
    stay. Parents that are made for it are removed again if the output is not written.
    """
    require_name(path)
    with _parents(path):
        _sweep(path)
        holder, lock = _create_locked(path)
        try:
            yield holder
        finally:
            _empty(holder, path)
            lock.release()
            _remove_holder(holder)


@contextlib.contextmanager
def _parents(path: Path) -> Iterator[None]:
    """The directories that `path` lies in, those that are new only as long as they are needed."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with contextlib.suppress(OSError):  # Others may use it by now.
                parent.rmdir()
        raise


def _create_locked(path: Path) -> tuple[Path, FileLock]:
    """A new working directory beside `path` and the lock that says its process lives."""
    while True:
        holder = hidden(path, _WORK + uuid.uuid4().hex)
        holder.mkdir()
        lock = FileLock(holder / _LOCK)
        # Another process may sweep the directory between these two lines; then begin again.
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            lock.acquire()
            if (holder / _LOCK).exists():
                return holder, lock
            lock.release()


def _sweep(path: Path) -> None:
    """Remove the working directories that killed processes left beside `path`."""
    marker = hidden(path, "").name
    for holder in path.parent.iterdir():
        found = _LEFTOVER.fullmatch(holder.name)
        if found and f".{found[1]}" == marker:
            _sweep_one(holder, path)


def _sweep_one(holder: Path, path: Path) -> None:
    """Remove a working directory of `path` if it is one and its process has ended."""
    if not _is_ours(holder):
        return
    with contextlib.suppress(Timeout, OSError):
        if not (holder / _LOCK).exists():
            # Refused if its process lives, and has made the lock in the meantime.
            holder.rmdir()
            return
        with FileLock(holder / _LOCK, timeout=0):
            _empty(holder, path)
            # While it is locked: a process that waits for the lock sees that it is gone.
            _remove_holder(holder)


def _is_ours(holder: Path) -> bool:
    """Whether a directory is laid out as working directories are, and nothing else is in it."""
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(holder.lstat().st_mode):
            return False
        names = {entry.name for entry in holder.iterdir()}
        locked = _LOCK in names and stat.S_ISREG((holder / _LOCK).lstat().st_mode)
        # A process that was killed at once has left an empty one.
        return not names or (locked and names <= {_LOCK, _NEW, _OLD})
    return False


def _empty(holder: Path, path: Path) -> None:
    """Remove what a write has left; what a replacement had moved away comes back.

    `old` without `new` was replaced and may go. If neither move can be undone, because something
    else is at `path`, both stay.
    """
    new, old = holder / _NEW, holder / _OLD
    if _exists(new) and _exists(old):
        if not _exists(path):
            with contextlib.suppress(OSError):
                old.rename(path)
        if _exists(old):
            return
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _remove_holder(holder: Path) -> None:
    """Remove a working directory that was emptied."""
    with contextlib.suppress(OSError):
        if not {_NEW, _OLD} & {entry.name for entry in holder.iterdir()}:
            (holder / _LOCK).unlink(missing_ok=True)
            holder.rmdir()


def _exists(path: Path) -> bool:
    """Whether anything is at a path, a dangling link too."""
    return os.path.lexists(path)


def _flush(path: Path) -> None:
    """Push a file or directory to the disk, so that a power cut cannot empty it after the move."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_published(path: Path) -> None:
    """Push the new name to the disk; the output is there whole, even where that is refused."""
    with contextlib.suppress(OSError):
        _flush(path.parent)
