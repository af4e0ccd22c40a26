"""What an order needs on a phone: brought there once, under names made of its content."""

import hashlib
from pathlib import Path
from typing import Protocol

import msgspec

from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder


class FilePlace(Protocol):
    """Where files lie on a phone."""

    def has(self, name: str) -> bool:
        """Whether all of the file or folder of that name is there."""

    def bring(self, local: Path, name: str) -> None:
        """Bring a file or folder there, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove it."""

    def path(self, name: str) -> str:
        """Its path, as the app reads it."""


class PhoneFiles:
    """The files of orders on one phone."""

    def __init__(self, place: FilePlace) -> None:
        self._place = place
        self._there: set[str] = set()
        self._names: dict[tuple[Path, int, int], str] = {}

    def translated(self, order: MeasurementOrder) -> MeasurementOrder:
        """The order with the phone's paths, everything that they name brought there.

        The clock of its start is this machine's, which says nothing to a phone.
        """
        return msgspec.structs.replace(
            order,
            images=self._file(Path(order.images)),
            reference={key: self._file(Path(path)) for key, path in order.reference.items()},
            subjects=tuple(map(self._subject, order.subjects)),
            started_ns=0,
            status=None,
        )

    def put(self, local: Path, name: str) -> str:
        """Bring a file or a directory there, unless it is; gives its path for the app."""
        if name not in self._there:
            if not self._place.has(name):
                self._place.bring(local, name)
            self._there.add(name)
        return self._place.path(name)

    def remove(self, name: str) -> None:
        """Remove what is not needed again."""
        self._place.remove(name)
        self._there.discard(name)

    def look_again(self) -> None:
        """What is there has changed."""
        self._there.clear()

    def _subject(self, subject: SubjectOrder) -> SubjectOrder:
        """A subject with the phone's path; a bundle has the hash of its manifest for a name."""
        root = Path(subject.root)
        pin = subject.manifest_sha256
        is_bundle = pin is not None and (root / "manifest.json").is_file()
        name = f"bundle-{pin}" if is_bundle else f"graphs-{content_of(root)}"
        return msgspec.structs.replace(subject, root=self.put(root, name))

    def _file(self, path: Path) -> str:
        """A file under the hash of what is in it."""
        found = path.stat()
        known = (path, found.st_mtime_ns, found.st_size)
        if known not in self._names:
            self._names[known] = f"file-{content_of(path)}{path.suffix}"
        return self.put(path, self._names[known])


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a directory."""
    return sum(file.stat().st_size for file in _files(path))


def content_of(path: Path) -> str:
    """The SHA-256 of names and contents."""
    digest = hashlib.sha256()
    for file in _files(path):
        name = str(file.relative_to(path)).encode()
        with file.open("rb") as opened:
            digest.update(name + b"\0" + hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    """A file, or all files below a directory."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
