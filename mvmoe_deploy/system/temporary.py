"""Temporary directories of our own, which never stay behind: not even those of a killed process.

Each is `mvmoe-XXXXXXXX` in the system's directory for temporary files, readable by its owner alone.
Inside, `mvmoe.lock` is held by the process that works there. The next process that makes such a
directory removes those whose lock is free.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "mvmoe-"
_LOCK = "mvmoe.lock"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_TORCH_CACHE = "TORCHINDUCTOR_CACHE_DIR"


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory that is removed at the end; what killed processes left is removed before.

    It holds nothing but a lock file. Raises OSError if the system refuses it.
    """
    root = Path(tempfile.gettempdir())
    folder, lock = _create_locked(root)
    try:
        _sweep(root, folder)
        yield folder
    finally:
        _remove(folder)
        lock.release()


@contextlib.contextmanager
def private_temporary_files() -> Iterator[Path]:
    """A `temporary_directory` that this process and those it starts use for temporary files.

    What any library writes there, caches of compiled code included, is removed with it. Raises
    OSError if the system refuses it. Not for two threads at a time: it changes the environment.
    """
    default = tempfile.gettempdir()
    with temporary_directory() as folder:
        changes = {"TMPDIR": str(folder)}
        if _is_torch_default(os.environ.get(_TORCH_CACHE), default):
            changes[_TORCH_CACHE] = str(folder / "torchinductor")
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            with environment(changes):
                yield folder
        finally:
            tempfile.tempdir = before


@contextlib.contextmanager
def environment(changes: dict[str, str]) -> Iterator[None]:
    """Set environment variables while the block lasts."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _is_torch_default(cache: str | None, default: str) -> bool:
    """Whether PyTorch's cache is where PyTorch puts it, which it also notes in the environment."""
    return cache is None or Path(cache).parent == Path(default)


def _create_locked(root: Path) -> tuple[Path, FileLock]:
    """A new directory in `root`, and the lock that says its process lives."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        lock = FileLock(folder / _LOCK)
        # Another process may sweep the directory between these two lines; then begin again. The
        # lock may have made the directory once more, but not for its owner alone.
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            lock.acquire()
            if (folder / _LOCK).exists() and not folder.stat().st_mode & _OTHERS:
                return folder, lock
            _remove(folder)
            lock.release()


def _sweep(root: Path, ours: Path) -> None:
    """Remove the directories in `root` that killed processes of the same user left."""
    owner = ours.stat().st_uid
    for folder in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            if folder != ours and _is_abandoned(folder, owner):
                with FileLock(folder / _LOCK, timeout=0):
                    _remove(folder)


def _is_abandoned(folder: Path, owner: int) -> bool:
    """Whether a directory is one of ours, by its owner, its mode and its lock; never a link.

    A process that was killed before it took its lock has left an empty one.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & _OTHERS_WRITE:
        return False
    with contextlib.suppress(FileNotFoundError):
        return stat.S_ISREG((folder / _LOCK).lstat().st_mode)
    return not any(folder.iterdir())


def _remove(folder: Path) -> None:
    """Remove a directory as far as the system lets us, and its lock only with all the rest.

    While a process that is about to end still writes there, the lock stays for the next sweep.
    """
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.name == _LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        if [entry.name for entry in folder.iterdir()] in ([], [_LOCK]):
            (folder / _LOCK).unlink(missing_ok=True)
            folder.rmdir()
