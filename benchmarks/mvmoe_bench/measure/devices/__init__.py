"""Where benchmarks run: one file a device, found by its name (see `mvmoe_deploy.part_lookup`)."""

from typing import TYPE_CHECKING

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from mvmoe_bench.measure.devices.contract import Device


def default_device() -> str:
    """The built-in device that is the machine that this program runs on."""
    for name in part_lookup.built_in_names("devices"):
        device: Device = part_lookup.find("devices", name)()
        if device.is_this_machine():
            return name
    raise InputError(
        "no device is this machine; give one with --device", code="input.option", name="device"
    )


def find_device(name: str) -> "Device":
    """The device `name`; raises InputError for an unknown one, UnsupportedPlatformError."""
    device: Device = part_lookup.find("devices", name)()
    device.require()
    return device
