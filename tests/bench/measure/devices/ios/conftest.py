"""A phone behind a program that answers as devicectl does, with a stand-in for the app."""

import json
import os
import sys
from pathlib import Path

import fake_devicectl
import pytest

from mvmoe_bench.measure.devices.ios import app, conditions
from mvmoe_bench.measure.devices.ios.device import IosDevice
from mvmoe_bench.measure.phones import app_following

_STAND_IN = Path(fake_devicectl.__file__).with_name("phone_stand_in.py")
UNITS = ("all", "cpuAndNeuralEngine", "cpuAndGPU", "cpuOnly")
DESCRIBED = {
    "abi": "arm64",
    "variants": {
        "coreml": [
            {
                "requested": {"engine": "Core ML of iOS 18.5", "provider": units},
                "engine_options": {"compute_units": units},
                "label": "" if units == "all" else units,
            }
            for units in UNITS
        ]
    },
    "packages": {"swift": "6.0"},
    "subjects": ["dispatcher", "bare"],
    "identity": {
        "memory_bytes": 8_000_000_000, "cores_logical": 6, "thermal_status": "none",
        "battery": 81, "low_power": False,
    },
}  # fmt: skip


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """The only phone that is connected; its app is the stand-in."""
    made = fake_devicectl.FakePhone(tmp_path / "phone")
    monkeypatch.setenv("PATH", f"{made.programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("MVMOE_IOS_DEVICE", raising=False)
    monkeypatch.delenv("MVMOE_IOS_APP", raising=False)
    monkeypatch.setattr(app, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(app_following, "SILENT_FOR", 20.0)  # On a machine that others use, too.
    monkeypatch.setattr(conditions, "LOOK_EVERY", 0.05)
    made.write("described.json", json.dumps(DESCRIBED))
    made.install(f'exec {sys.executable} {_STAND_IN} "$@"')
    yield made
    fake_devicectl._kill(made.folder)


@pytest.fixture
def device(phone):
    found = IosDevice()
    found.require()
    return found
