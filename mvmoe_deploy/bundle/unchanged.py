"""Files of an open bundle that are loaded later: are they still those that were verified?

A directory that is renamed, exported again or reached through another link, a file that is
replaced or written to: each would mix graphs of two models without an error. What the system says
of a file (device, inode, size, times) is compared before it is used and after; where it differs,
the file is hashed again, and only the content in the manifest is accepted.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from mvmoe_deploy.bundle.integrity import FileIdentity, check_file, identity_of, plain_file
from mvmoe_deploy.bundle.manifest import File
from mvmoe_deploy.errors import BundleError, BundleReplacedError


class UnchangedFiles:
    """The files of one target as they were when the bundle was opened."""

    def __init__(self, root: Path, identities: dict[str, FileIdentity | None]) -> None:
        self.root = root
        self._folder = str(root)
        self._identities = identities

    @classmethod
    def verified(cls, root: Path, listed: Iterable[File]) -> Self:
        """Files checked against the hashes of the manifest; raises BundleError for a wrong one."""
        return cls(root, {file.path: check_file(root, file) for file in listed})

    @classmethod
    def trusted(cls, root: Path, listed: Iterable[File]) -> Self:
        """Files as they are now; what is missing or no plain file will fail in the engine."""
        return cls(root, {file.path: _identity_or_none(root, file) for file in listed})

    def require(self, listed: Iterable[File]) -> None:
        """Raise BundleReplacedError if one of these files is not the one that was opened."""
        for file in listed:
            known = self._identities[file.path]
            # The same file is there, whichever way its path goes now: one question is enough.
            if known is not None and _found_at(f"{self._folder}/{file.path}") == known:
                continue
            if _identity_or_none(self.root, file) != known:
                self._identities[file.path] = self._verify_again(file)

    def require_opened(self, file: File, status: os.stat_result) -> None:
        """Raise BundleReplacedError unless what was opened is the file that `require` knows.

        Whether that one still has its content is `require`'s question.
        """
        known = self._identities[file.path]
        if known is None or known[:2] != (status.st_dev, status.st_ino):
            raise self._replaced(file)

    def _replaced(self, file: File) -> BundleReplacedError:
        """The error for a file that is not the one that was opened."""
        return BundleReplacedError(
            f"{file.path} of bundle {self.root} was replaced, changed or removed while the "
            "bundle was open, so that its graphs no longer belong together; open the bundle again",
            file=file.path,
        )

    def _verify_again(self, file: File) -> FileIdentity:
        """The new identity of a file of the same content."""
        try:
            return check_file(self.root, file)
        except BundleError as error:
            raise self._replaced(file) from error


def _found_at(path: str) -> FileIdentity | None:
    """The identity of whatever is at a path, a link itself; None for nothing."""
    try:
        return identity_of(os.lstat(path))
    except OSError:
        return None


def _identity_or_none(root: Path, file: File) -> FileIdentity | None:
    """The identity of a plain file, None for anything else."""
    try:
        return identity_of(plain_file(root, file.path).stat())
    except (BundleError, OSError):
        return None
