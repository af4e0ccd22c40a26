"""Where adb puts the files of orders on a phone."""

from pathlib import Path

from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.devices.android.app import DemoApp, as_app
from mvmoe_bench.measure.phones.phone_files import size_of

PLACE = "/data/local/tmp/mvmoe-bench"
"""Where adb may write, and apps may read on most phones."""

_INSIDE = "files/bench-files"
"""Below the app's own folder, for phones whose apps may not read there."""


class PhoneStore:
    """A folder of the phone; whatever ends a transfer, nothing incomplete has its name."""

    def __init__(self, adb: Adb, app: DemoApp) -> None:
        self._adb = adb
        self._app = app
        self.inside = False
        """Whether the app has to have copies of its own: it cannot read what adb writes."""

    def has(self, name: str) -> bool:
        """Whether it is where the app reads."""
        if self.inside:
            return self._app.run(f"test -e {_INSIDE}/{name}").code == 0
        return self._is_pushed(name)

    def bring(self, local: Path, name: str) -> None:
        """Push it, and let the app copy it where it has to have copies."""
        if not self._is_pushed(name):
            self._push(local, name)
        if self.inside:
            self._copy_inside(name)

    def remove(self, name: str) -> None:
        """Remove it, and the app's copy."""
        self._adb.shell(f"rm -rf {PLACE}/{name}")
        if self.inside:
            self._app.run(f"rm -rf {_INSIDE}/{name}")

    def path(self, name: str) -> str:
        """Its path, as the app reads it."""
        return f"{self._app.folder}/{_INSIDE}/{name}" if self.inside else f"{PLACE}/{name}"

    def _is_pushed(self, name: str) -> bool:
        return self._adb.shell(f"test -e {PLACE}/{name}").code == 0

    def _push(self, local: Path, name: str) -> None:
        """Under another name until it is whole."""
        partial = f"{PLACE}/partial-{name}"
        self._adb.do(f"mkdir -p {PLACE} && rm -rf {partial}", "make a folder for the bench")
        self._adb.push(local, partial, size_of(local))
        self._adb.do(
            f"chmod -R a+rX {partial} && mv {partial} {PLACE}/{name}", f"keep {local.name}"
        )

    def _copy_inside(self, name: str) -> None:
        """A copy among the app's own files."""
        partial = f"{_INSIDE}/partial-{name}"
        command = (
            f"mkdir -p {_INSIDE} && rm -rf {partial} && cp -r {PLACE}/{name} {partial} && "
            f"mv {partial} {_INSIDE}/{name}"
        )
        self._adb.do(as_app(command), "copy files for the app", seconds=600)
