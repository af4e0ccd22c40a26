"""Whether a disk has room for what a long run will write, asked before the run begins."""

import shutil
from pathlib import Path

from mvmoe_deploy.errors import OutputError


def require_space(path: Path, needed: int, what: str) -> None:
    """Refuse to begin what needs `needed` bytes below `path`; raises OutputError.

    `path` need not exist. A file system that does not say how much is free counts as having
    room: a refused write will be an error of its own.
    """
    free = free_bytes(path)
    if free is not None and free < needed:
        raise OutputError(
            f"{what} would take about {shown(needed)} below {path}, but only {shown(free)} are "
            "free there; free some space or give a path on another disk",
            code="output.no-space",
            path=str(path),
            expected=needed,
            found=free,
        )


def free_bytes(path: Path) -> int | None:
    """Bytes that this user can write on the file system of `path`; None if it does not say.

    Some file systems (of networks, or in user space) report none at all, or none free.
    """
    path = Path(path).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return usage.free if usage.total > 0 and usage.free > 0 else None


def file_system(path: Path) -> int | None:
    """A number that paths on one file system have in common; None if it cannot be read."""
    path = Path(path).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        return path.stat().st_dev
    except OSError:
        return None


def shown(count: int) -> str:
    """Bytes for a sentence, in units of 1000."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
