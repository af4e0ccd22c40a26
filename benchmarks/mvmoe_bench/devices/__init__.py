"""Where benchmarks run: one file a device, found through entry points."""

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from mvmoe_bench.devices.contract import Device

GROUP = "mvmoe.devices"


def device_names() -> list[str]:
    """The devices of this installation."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def default_device() -> str:
    """The device that this program runs on."""
    return "macos" if sys.platform == "darwin" else "host"


def find_device(name: str) -> "Device":
    """The device `name`; raises InputError for one that nobody has, UnsupportedPlatformError."""
    for entry in entry_points(group=GROUP, name=name):
        device = entry.load()()
        device.require()
        return device
    raise InputError(f"device {name!r} is unknown; known are {', '.join(device_names())}")
