"""What an order needs on the phone: brought there once, under names made of its content."""

import hashlib
from pathlib import Path

import msgspec

from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.devices.android.app import DemoApp, as_app
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder

PLACE = "/data/local/tmp/mvmoe-bench"
"""Where adb may write, and apps may read on most phones."""

_INSIDE = "files/bench-files"
"""Below the app's own folder, for phones whose apps may not read there."""


class PhoneStore:
    """The files of orders on one phone."""

    def __init__(self, adb: Adb, app: DemoApp) -> None:
        self._adb = adb
        self._app = app
        self._there: set[str] = set()
        self._names: dict[tuple[Path, int, int], str] = {}
        self.inside = False
        """Whether the app has to have copies of its own: it cannot read what adb writes."""

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
            if self._adb.shell(f"test -e {PLACE}/{name}").code:
                self._push(local, name)
            if self.inside:
                self._copy_inside(name)
            self._there.add(name)
        return f"{self._app.folder}/{_INSIDE}/{name}" if self.inside else f"{PLACE}/{name}"

    def remove(self, name: str) -> None:
        """Remove what is not needed again."""
        self._adb.shell(f"rm -rf {PLACE}/{name}")
        if self.inside:
            self._app.run(f"rm -rf {_INSIDE}/{name}")
        self._there.discard(name)

    def move_inside(self) -> None:
        """From now on the app has copies of its own."""
        self.inside = True
        self._there.clear()

    def _push(self, local: Path, name: str) -> None:
        """Whatever ends this on its way, nothing incomplete has the name."""
        partial = f"{PLACE}/partial-{name}"
        self._adb.do(f"mkdir -p {PLACE} && rm -rf {partial}", "make a folder for the bench")
        self._adb.push(local, partial, _size(local))
        self._adb.do(
            f"chmod -R a+rX {partial} && mv {partial} {PLACE}/{name}", f"keep {local.name}"
        )

    def _copy_inside(self, name: str) -> None:
        """A copy among the app's own files."""
        partial = f"{_INSIDE}/partial-{name}"
        command = (
            f"test -e {_INSIDE}/{name} || {{ mkdir -p {_INSIDE} && rm -rf {partial} && "
            f"cp -r {PLACE}/{name} {partial} && mv {partial} {_INSIDE}/{name}; }}"
        )
        self._adb.do(as_app(command), "copy files for the app", seconds=600)

    def _subject(self, subject: SubjectOrder) -> SubjectOrder:
        """A subject with the phone's path; a bundle has the hash of its manifest for a name."""
        root = Path(subject.root)
        pin = subject.manifest_sha256
        is_bundle = pin is not None and (root / "manifest.json").is_file()
        name = f"bundle-{pin}" if is_bundle else f"graphs-{_content(root)}"
        return msgspec.structs.replace(subject, root=self.put(root, name))

    def _file(self, path: Path) -> str:
        """A file under the hash of what is in it."""
        found = path.stat()
        known = (path, found.st_mtime_ns, found.st_size)
        if known not in self._names:
            self._names[known] = f"file-{_content(path)}{path.suffix}"
        return self.put(path, self._names[known])


def _files(path: Path) -> list[Path]:
    """A file, or all files below a directory."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _size(path: Path) -> int:
    """Bytes in all."""
    return sum(file.stat().st_size for file in _files(path))


def _content(path: Path) -> str:
    """The SHA-256 of names and contents."""
    digest = hashlib.sha256()
    for file in _files(path):
        name = str(file.relative_to(path)).encode()
        with file.open("rb") as opened:
            digest.update(name + b"\0" + hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
