"""The app's folder on an iPhone: files are copied there, and back.

Paths are those below the folder, which is the working directory of the app while it measures: its
absolute path changes with every installation. devicectl may not overwrite, and a copy that is cut
off leaves what came until then. Therefore everything is copied to a new name, and a second, small
file under the name that it is asked for by says where all of it is.
"""

import shutil
import uuid
from pathlib import Path

from mvmoe_bench.measure.devices.ios.devicectl import DevicectlError
from mvmoe_bench.measure.devices.ios.speaking import PhoneLine, is_lost
from mvmoe_bench.measure.phones.phone_files import size_of
from mvmoe_deploy.system.temporary import temporary_directory

ANSWERS = "Documents/bench"
"""Where the app writes."""

_FILES = "Documents/bench-files"
"""Where bundles and images go."""

_SLOWEST = 300_000
"""Bytes a second that any connection transfers."""

_COPY_SECONDS = 60.0


class AppContainer:
    """The files of one app on one phone."""

    def __init__(self, line: PhoneLine, app: str) -> None:
        self._line = line
        self._app = app
        self._paths: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Whether all of a file or folder of an order is there."""
        told = self.read(f"{_FILES}/{name}.place")
        if told is not None:
            self._paths[name] = told.decode(errors="replace").strip()
        return told is not None

    def bring(self, local: Path, name: str) -> None:
        """Copy a file or folder to a new name, then say where it is."""
        path = f"{_FILES}/{uuid.uuid4().hex[:12]}-{name}"
        self._copy_to(local, path, f"keep {local.name}")
        with temporary_directory() as folder:
            place = folder / "place"
            place.write_text(path)
            self._copy_to(place, f"{_FILES}/{name}.place", f"keep {local.name}")
        self._paths[name] = path

    def remove(self, name: str) -> None:
        """Nothing: devicectl cannot remove files. The app removes what is a day old."""

    def path(self, name: str) -> str:
        """Its path below the app's folder."""
        return self._paths[name]

    def read(self, path: str) -> bytes | None:
        """A file of the app's folder; None if there is none.

        Raises EngineError if the phone is lost or locked.
        """
        with temporary_directory() as folder:
            copy = folder / "copy"
            words = ["copy", "from", *self._named(), "--source", path, "--destination", str(copy)]
            try:
                self._line.ask_plainly(words, _COPY_SECONDS)
            except DevicectlError as error:
                if is_lost(error.refusal) or error.refusal.says("locked"):
                    raise self._line.error(error.refusal, "give its files") from error
                return None
            return _content(copy)

    def _copy_to(self, local: Path, path: str, what: str) -> None:
        words = ["copy", "to", *self._named(), "--source", str(local), "--destination", path]
        self._line.ask(words, what, _COPY_SECONDS + size_of(local) / _SLOWEST)

    def _named(self) -> tuple[str, ...]:
        return ("--domain-type", "appDataContainer", "--domain-identifier", self._app)


def _content(copy: Path) -> bytes | None:
    """What was copied: as a file of that name, or below a folder of that name."""
    if copy.is_file():
        return copy.read_bytes()
    found = [path for path in copy.rglob("*") if path.is_file()] if copy.is_dir() else []
    content = found[0].read_bytes() if len(found) == 1 else None
    shutil.rmtree(copy, ignore_errors=True)
    return content
