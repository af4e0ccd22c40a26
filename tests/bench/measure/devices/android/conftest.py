"""A phone behind a real adbd, with a stand-in for the app or the Kotlin runner in its place."""

import os
import sys
from pathlib import Path

import loopback_phone
import pytest

from mvmoe_bench.measure.devices.android import app, conditions, store
from mvmoe_bench.measure.devices.android.device import AndroidDevice
from mvmoe_bench.measure.phones import app_following

_SUPPORT = Path(loopback_phone.__file__).parent


@pytest.fixture(scope="session")
def phones_work():
    """Skips where a phone on loopback cannot be made."""
    if lacks := loopback_phone.lacks():
        pytest.skip(lacks)


@pytest.fixture
def make_phone(phones_work, tmp_path, monkeypatch):
    """Makes a phone; adb on the PATH reaches it. `mounts` are commands of the phone's own space."""
    made = []

    def make(mounts=""):
        phone = loopback_phone.LoopbackPhone(tmp_path / "phone", mounts)
        made.append(phone)
        monkeypatch.setenv("PATH", f"{phone.programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("ANDROID_SERIAL", raising=False)
        monkeypatch.setattr(store, "PLACE", str(phone.folder / "place"))
        monkeypatch.setattr(app, "_LOOK_EVERY", 0.1)
        monkeypatch.setattr(app_following, "SILENT_FOR", 20.0)  # On a machine that others use, too.
        monkeypatch.setattr(conditions, "_LOOK_EVERY", 0.05)
        phone.install(STAND_IN)
        return phone

    yield make
    for phone in made:
        phone.close()


@pytest.fixture
def phone(make_phone):
    return make_phone()


@pytest.fixture
def device(phone):
    found = AndroidDevice()
    found.require()
    return found


STAND_IN = f'exec {sys.executable} {_SUPPORT / "phone_stand_in.py"} "$@"'
