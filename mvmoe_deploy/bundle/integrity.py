"""The files of a bundle: each is a regular file inside it, of the recorded size and SHA-256."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from mvmoe_deploy.bundle.manifest import File
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.system.limits import raise_if_limit

_ADVICE = "copy the bundle again or export it again"

_CHUNK_BYTES = 2**20


def check_files(root: Path, listed: Iterable[File]) -> None:
    """Check every listed file below `root`; raises BundleError that names the first wrong one."""
    for file in listed:
        check_file(root, file)


FileIdentity = tuple[int, int, int, int, int]
"""Device, inode, size, and nanoseconds of the last change of content and of anything at all."""


def identity_of(status: os.stat_result) -> FileIdentity:
    """What the system records of a file: it differs for another file, or other content."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def check_file(root: Path, file: File) -> FileIdentity:
    """Check one listed file below `root`; gives its identity, raises BundleError."""
    path = plain_file(root, file.path)
    with read_errors(root, file.path), path.open("rb") as opened:
        before = os.fstat(opened.fileno())
        _require_size(root, file, before.st_size)
        _require_hash(root, file, hashlib.file_digest(opened, "sha256").hexdigest())
        if identity_of(os.fstat(opened.fileno())) != identity_of(before):
            raise BundleError(
                f"{file.path} of bundle {root} changed while it was read; open the bundle again",
                code="bundle.replaced",
                file=file.path,
            )
    return identity_of(before)


def read_file(root: Path, file: File, most: int) -> bytes:
    """The bytes of a listed file, checked as they are read; raises BundleError.

    `most` is the largest size that the file can have.
    """
    if file.bytes > most:
        raise BundleError(
            f"{file.path} of bundle {root} has {file.bytes} bytes where at most {most} make sense; "
            f"{_ADVICE}",
            code="bundle.size-mismatch",
            file=file.path,
            expected=most,
            found=file.bytes,
        )
    path = plain_file(root, file.path)
    with read_errors(root, file.path), path.open("rb") as opened:
        data = opened.read(file.bytes + 1)
        _require_size(root, file, path.stat().st_size)
    _require_hash(root, file, hashlib.sha256(data).hexdigest())
    return data


def checked_chunks(root: Path, file: File) -> Iterator[bytes]:
    """The content of a listed file in pieces, for a copy that is thrown away if this raises.

    Raises BundleError for a wrong file, at the latest after its last piece.
    """
    path = plain_file(root, file.path)
    digest, size = hashlib.sha256(), 0
    with read_errors(root, file.path), path.open("rb") as opened:
        _require_size(root, file, os.fstat(opened.fileno()).st_size)
        # One byte more than there should be: a file that grows meanwhile is not read to its end.
        while chunk := opened.read(min(_CHUNK_BYTES, file.bytes + 1 - size)):
            size += len(chunk)
            digest.update(chunk)
            yield chunk
    _require_size(root, file, size)
    _require_hash(root, file, digest.hexdigest())


@contextlib.contextmanager
def read_errors(root: Path, relative: str) -> Iterator[None]:
    """Turn the operating system's refusals into one sentence about reading `relative`.

    Raises ResourceLimitError where the process may not open another file, else BundleError.
    """
    try:
        yield
    except OSError as error:
        raise_if_limit(error, f"{relative} of bundle {root} cannot be read")
        raise BundleError(
            f"{relative} of bundle {root} cannot be read ({error.strerror}); {_ADVICE}",
            code="bundle.file-unreadable",
            file=relative,
        ) from error


def _require_size(root: Path, file: File, size: int) -> None:
    """Refuse a file of another size than the manifest says."""
    if size != file.bytes:
        raise BundleError(
            f"{file.path} of bundle {root} has {size} bytes instead of {file.bytes}; {_ADVICE}",
            code="bundle.size-mismatch",
            file=file.path,
            expected=file.bytes,
            found=size,
        )


def _require_hash(root: Path, file: File, digest: str) -> None:
    """Refuse a file of another content than the manifest says."""
    if digest != file.sha256:
        raise BundleError(
            f"{file.path} of bundle {root} was altered: its SHA-256 is not the manifest's; "
            f"{_ADVICE}",
            code="bundle.hash-mismatch",
            file=file.path,
        )


def is_missing(root: Path, file: File) -> bool:
    """Whether nothing is at the path of a listed file; what is there and wrong is not missing."""
    try:
        plain_file(root, file.path)
    except BundleError as error:
        return isinstance(error.__cause__, FileNotFoundError)
    return False


def plain_file(root: Path, relative: str) -> Path:
    """The path of a regular file below `root`, reached without any symbolic link."""
    path = root
    for part in relative.split("/"):
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise_if_limit(error, f"{relative} of bundle {root} cannot be read")
            raise BundleError(
                f"{relative} of bundle {root} is missing ({error.strerror}); {_ADVICE}",
                code="bundle.file-missing",
                file=relative,
            ) from error
        if stat.S_ISLNK(mode):
            raise BundleError(
                f"{relative} of bundle {root} is behind a symbolic link, as in the cache of a hub; "
                "a bundle holds plain files only: copy it with its links resolved "
                f"(cp -rL {root} COPY)",
                code="bundle.file-not-plain",
                file=relative,
            )
    if not stat.S_ISREG(mode):
        raise BundleError(
            f"{relative} of bundle {root} is not a regular file; {_ADVICE}",
            code="bundle.file-not-plain",
            file=relative,
        )
    return path
