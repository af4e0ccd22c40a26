"""Which places an output may take: what may be replaced there, and what is an input of the command.

Nothing here knows what the files hold. Whoever writes a format says, by a function of the type
`Foreign`, how to recognise what it has written; only that, or what is empty, is ever replaced.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path

from mvmoe_deploy.errors import InputError, OutputError

Foreign = Callable[[Path], str | None]
"""Says why what exists at a path was not made by the writer of a format; None if it was.

The words continue a sentence that begins with the path: "holds notes.txt, which ...".
"""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a file may not grow."""

_MARKED_BYTES = 64 * 2**10

_SYSTEM_FILES = frozenset({".DS_Store"})
"""Files that a file manager adds to the directories it shows; they hold no user's data."""


@contextlib.contextmanager
def output_errors(what: str, after: str = "nothing was changed") -> Iterator[None]:
    """Turn the operating system's refusals into one sentence about writing `what`.

    `after` says in what state that leaves it.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        advice = "free some space" if error.errno in _FULL else "check the path"
        raise OutputError(
            f"{what} could not be written ({_reason(error)}); {advice} and try again, {after}",
            code="output.no-space" if error.errno in _FULL else "output.refused",
            path=what,
        ) from error


def require_file(path: Path, foreign: Foreign | None = None) -> None:
    """Refuse a path that may not become a file; raises InputError, OutputError if it cannot.

    With `foreign`, a file that it recognises or that is empty may be replaced; without, no file
    may. Links, directories, devices and pipes never may.
    """
    with output_errors(str(path)):
        found = _status(path)
        if found is None:
            return
        _refuse_link(path, found, "file")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(
                f"{path} exists and is no regular file; give another output path",
                code="output.not-replaceable",
                path=str(path),
            )
        _require_replaceable(path, path, foreign if found.st_size else _accepting_anything(foreign))


def require_directory(path: Path, foreign: Foreign | None = None, now: Path | None = None) -> None:
    """Refuse a path that may not become a new directory; raises InputError, or OutputError.

    An empty directory may be replaced; with `foreign`, one that it recognises too. `now` is where
    the directory is, if it was moved away from `path` already.
    """
    place = now or path
    require_name(path)
    with output_errors(str(path)):
        found = _status(place)
        if found is None:
            return
        _refuse_link(path, found, "directory")
        if not stat.S_ISDIR(found.st_mode):
            raise InputError(
                f"{path} exists and is no directory; give another output path",
                code="output.not-replaceable",
                path=str(path),
                found="no directory",
            )
        _require_movable(path, place)
        if any(place.iterdir()):
            _require_replaceable(path, place, foreign)


def require_name(path: Path) -> None:
    """Refuse a path that names nothing that could be moved: `.`, `/`, `..`; raises InputError."""
    if path.name in ("", ".."):
        raise InputError(
            f"{path} cannot be replaced as a whole; give a path that ends in a name",
            code="output.not-replaceable",
            path=str(path),
            found="no name",
        )


def refuse_overlap(
    outputs: Iterable[Path], inputs: Iterable[Path], folders: Iterable[Path] = ()
) -> None:
    """Refuse an output that is an input, or holds one, or lies in one; raises InputError.

    Links, `..`, case and hard links do not hide it. `inputs` are files, and directories that are
    read, copied and replaced as a whole (checkpoints, bundles). In `folders`, of images for
    example, an output may lie, but it may not be or hold one.
    """
    whole, several = tuple(inputs), tuple(folders)
    for output in outputs:
        for given in (*whole, *several):
            _refuse_holding(output, given)
        require_outside(output, whole)


def require_outside(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that lies in an input, of which it would become a part, or is it."""
    for given in inputs:
        if _lies_in(output, given):
            raise InputError(
                f"the output {output} lies in the input {given}, which is read as a whole; give a "
                "path outside of it",
                code="output.is-input",
                output=str(output),
                input=str(given),
                found="lies in",
            )


def refuse_place_of(output: Path, folder: Path) -> None:
    """Refuse an output that is or holds a directory that the command itself will make."""
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(output)):
        raise InputError(
            f"the output {output} would take the place of the directory {folder}, which this "
            "command needs too; give another path for one of them",
            code="output.is-input",
            output=str(output),
            input=str(folder),
        )


def head(path: Path, most: int) -> bytes | None:
    """The first `most` bytes of a regular file; None for a link, a pipe, or what cannot be read."""
    try:
        # Without O_NONBLOCK a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def unknown_entry(root: Path, known: Container[str]) -> str | None:
    """An entry below `root` that is neither a directory nor `known`; None without any.

    Names are paths from `root` with forward slashes. Links are never known.
    """
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        for path in sorted(folder.iterdir()):
            name = prefix + path.name
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                waiting.append((path, f"{name}/"))
            elif not stat.S_ISREG(mode) or (path.name not in _SYSTEM_FILES and name not in known):
                return name
    return None


def foreign_without(markers: Sequence[bytes], what: str) -> Foreign:
    """Recognises files by a marker, one of several, that is in their first 64 KB."""

    def foreign(path: Path) -> str | None:
        found = head(path, _MARKED_BYTES) or b""
        ours = any(marker in found for marker in markers)
        return None if ours else f"is no {what} that mvmoe has written"

    return foreign


def not_ours(marker: Path) -> str:
    """Why the file that marks a directory as one of ours does not: it is missing, or another's."""
    try:
        # A pipe would be waited for.
        os.close(os.open(marker, os.O_RDONLY | os.O_NONBLOCK))
        return f"its {marker.name} was not written by mvmoe, or is damaged"
    except FileNotFoundError:
        return f"it has no {marker.name}"
    except OSError as error:
        return f"its {marker.name} cannot be read: {error.strerror}"


def exists_sentence(path: Path) -> str:
    """The sentence about an output that is there already."""
    return f"{path} exists already; give another output path, or --force to replace it"


def _refuse_link(path: Path, found: os.stat_result, kind: str) -> None:
    """Refuse a link: what would be replaced is the link, not what it leads to."""
    if stat.S_ISLNK(found.st_mode):
        raise InputError(
            f"{path} is a symbolic link; give the path of the {kind} itself",
            code="output.not-replaceable",
            path=str(path),
            found="symbolic link",
        )


def _require_replaceable(path: Path, place: Path, foreign: Foreign | None) -> None:
    """Refuse what was not made by the writer that would replace it."""
    if foreign is None:
        raise InputError(
            exists_sentence(path),
            code="output.exists",
            path=str(path),
        )
    if reason := foreign(place):
        raise InputError(
            f"{path} {reason}, so it is not replaced; give another output path, or remove it "
            "yourself if nothing in it is needed",
            code="output.foreign",
            path=str(path),
        )


def _accepting_anything(foreign: Foreign | None) -> Foreign | None:
    """What says that something is replaceable whatever it is; nothing is without `foreign`."""
    return None if foreign is None else lambda _: None


def _require_movable(path: Path, place: Path) -> None:
    """Refuse directories that the system or its users would miss for a moment, or cannot move."""
    if place.is_mount():
        raise InputError(
            f"{path} is a mount point, which cannot be replaced; give a path in it",
            code="output.not-replaceable",
            path=str(path),
        )
    for kind, in_use in _places():
        if _lies_in(in_use, place):
            raise InputError(
                f"{path} is or holds {kind}; give a path that does not exist yet",
                code="output.not-replaceable",
                path=str(path),
                found=kind,
            )


def _places() -> Iterator[tuple[str, Path]]:
    """Directories that are never replaced, even when they are empty."""
    with contextlib.suppress(OSError):  # It may have been removed.
        yield "the current directory", Path.cwd()
    yield "the home directory", Path(os.path.expanduser("~"))  # noqa: PTH111 Never raises.


def _refuse_holding(output: Path, given: Path) -> None:
    """Refuse an output that is the input or would replace a directory that it lies in."""
    if _lies_in(given, output):
        same = _identity(output) == _identity(given)
        raise InputError(
            f"the output {output} {'is' if same else 'holds'} the input {given}; give another "
            "output path",
            code="output.is-input",
            output=str(output),
            input=str(given),
            found="is" if same else "holds",
        )


def _lies_in(inner: Path, outer: Path) -> bool:
    """Whether `inner` is `outer` or lies in it, by whatever names they are called."""
    wanted = _identity(outer)
    if wanted is None:
        return False
    path = Path(os.path.realpath(inner))
    # A link is itself somewhere, and what it leads to is somewhere else.
    link = Path(os.path.realpath(inner.parent)) / inner.name
    return any(_identity(place) == wanted for place in (path, *path.parents, link, *link.parents))


def _identity(path: Path) -> tuple[int, int] | None:
    """What the system knows a file by; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _status(path: Path) -> os.stat_result | None:
    """What is at a path, links not followed; None for nothing."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _reason(error: OSError) -> str:
    """What the system said, and of which file."""
    reason = error.strerror or str(error)
    return f"{reason}: {error.filename}" if error.filename else reason
