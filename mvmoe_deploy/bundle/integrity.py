"""The files of a bundle against its manifest: present, plain, inside, of the size and hash told."""

import stat
from collections.abc import Iterable
from pathlib import Path

from mvmoe_deploy import files
from mvmoe_deploy.bundle.manifest import File
from mvmoe_deploy.errors import BundleError

_ADVICE = "copy the bundle again or export it anew"


def check_files(root: Path, listed: Iterable[File]) -> None:
    """Check every listed file below `root`; raises BundleError that names the first wrong one."""
    for file in listed:
        path = plain_file(root, file.path)
        size = path.stat().st_size
        if size != file.bytes:
            raise BundleError(
                f"{file.path} of bundle {root} has {size} bytes instead of {file.bytes}; {_ADVICE}"
            )
        if files.sha256(path) != file.sha256:
            raise BundleError(
                f"{file.path} of bundle {root} was altered: its SHA-256 is not the manifest's; "
                f"{_ADVICE}"
            )


def plain_file(root: Path, relative: str) -> Path:
    """The path of a regular file below `root`, reached without any symbolic link."""
    path = root
    for part in relative.split("/"):
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise BundleError(
                f"{relative} of bundle {root} is missing ({error.strerror}); {_ADVICE}"
            ) from error
        if stat.S_ISLNK(mode):
            raise BundleError(
                f"{relative} of bundle {root} is behind a symbolic link; a bundle holds plain "
                "files only"
            )
    if not stat.S_ISREG(mode):
        raise BundleError(f"{relative} of bundle {root} is not a regular file; {_ADVICE}")
    return path
