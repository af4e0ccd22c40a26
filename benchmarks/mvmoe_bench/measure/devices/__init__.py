"""Where benchmarks run: one file a device, found by its name (see `mvmoe_deploy.parts`)."""

import sys
from typing import TYPE_CHECKING

from mvmoe_deploy import parts

if TYPE_CHECKING:
    from mvmoe_bench.measure.devices.contract import Device


def default_device() -> str:
    """The device that this program runs on."""
    return "macos" if sys.platform == "darwin" else "host"


def find_device(name: str) -> "Device":
    """The device `name`; raises InputError for an unknown one, UnsupportedPlatformError."""
    device: Device = parts.find("devices", name)()
    device.require()
    return device
