"""Which iPhone is meant, and whether it can be spoken to: by what devicectl lists."""

import os
from dataclasses import dataclass
from typing import Any

import msgspec

from mvmoe_bench.measure.devices.ios import devicectl
from mvmoe_bench.measure.devices.ios.devicectl import DevicectlError
from mvmoe_deploy.errors import UnsupportedPlatformError

VARIABLE = "MVMOE_IOS_DEVICE"
"""Names the phone: its name, UDID, serial number or devicectl's identifier."""


class _Connection(msgspec.Struct, frozen=True, rename="camel"):
    pairing_state: str = ""
    tunnel_state: str = ""
    transport_type: str = ""


class _Device(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    os_version_number: str = ""
    os_build_update: str = ""
    developer_mode_status: str = ""


class _Hardware(msgspec.Struct, frozen=True, rename="camel"):
    udid: str = ""
    serial_number: str = ""
    platform: str = ""
    reality: str = ""
    marketing_name: str = ""
    product_type: str = ""
    hardware_model: str = ""


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    """A device as devicectl lists it; an older Xcode may leave out any of it."""

    identifier: str
    connection_properties: _Connection = _Connection()
    device_properties: _Device = _Device()
    hardware_properties: _Hardware = _Hardware()


@dataclass(frozen=True)
class Phone:
    """An iPhone or iPad that is there."""

    listed: _Listed

    @property
    def identifier(self) -> str:
        """devicectl's own name of it."""
        return self.listed.identifier

    @property
    def name(self) -> str:
        """As its owner calls it."""
        return self.listed.device_properties.name or self.identifier

    def is_called(self, word: str) -> bool:
        """Whether that is one of its names."""
        hardware = self.listed.hardware_properties
        return word in {self.identifier, self.name, hardware.udid, hardware.serial_number} - {""}

    def identity(self) -> dict[str, Any]:
        """What tells one model and system from another; never what tells one owner from another."""
        hardware, device = self.listed.hardware_properties, self.listed.device_properties
        return {
            "model": " ".join(filter(None, (hardware.marketing_name, hardware.product_type)))
            or None,
            "os": f"iOS {device.os_version_number or 'of an unknown version'}",
            "build": device.os_build_update or None,
            "connection": self.listed.connection_properties.transport_type or None,
        }


def find_phone() -> Phone:
    """The phone to measure on: the only one, or the one that the variable names.

    Raises UnsupportedPlatformError if there is none or several (`device.none`, `device.several`),
    or if it cannot be spoken to (`device.unauthorized`, `device.offline`,
    `device.developer-mode`); MissingExtraError without Xcode.
    """
    found = _phones()
    word = os.environ.get(VARIABLE)
    phone = _named(found, word) if word else _the_only_one(found)
    _require_ready(phone)
    return phone


def _phones() -> list[Phone]:
    """iPhones and iPads, no simulators; paired or not."""
    try:
        result = devicectl.call(["list", "devices"])
    except DevicectlError as error:
        raise UnsupportedPlatformError(
            f"devicectl lists no devices: {error.refusal}",
            code="device.none",
            found=str(error.refusal),
        ) from error
    listed = (_read(each) for each in result.get("devices", []))
    return [Phone(each) for each in listed if each is not None and _is_phone(each)]


def _read(device: object) -> _Listed | None:
    """A device of the list; None for one that is of another form."""
    try:
        return msgspec.convert(device, _Listed)
    except msgspec.ValidationError:
        return None


def _is_phone(device: _Listed) -> bool:
    """Whether it is a phone or a tablet, and no simulator."""
    hardware = device.hardware_properties
    return hardware.platform in {"iOS", "iPadOS"} and hardware.reality in {"", "physical"}


def _the_only_one(found: list[Phone]) -> Phone:
    """The only phone that is connected; raises UnsupportedPlatformError for none or several."""
    connected = [phone for phone in found if _tunnel(phone) != "unavailable"] or found
    if not connected:
        raise UnsupportedPlatformError(
            "the device ios was asked for, and devicectl lists no iPhone; connect one by USB, "
            "unlock it, and confirm that it trusts this Mac",
            code="device.none",
        )
    if len(connected) > 1:
        names = [phone.name for phone in connected]
        raise UnsupportedPlatformError(
            f"devicectl lists {len(names)} phones ({', '.join(names)}); name the one to measure "
            f'on: {VARIABLE}="{names[0]}" mvmoe bench ...',
            code="device.several",
            available=names,
        )
    return connected[0]


def _named(found: list[Phone], word: str) -> Phone:
    """The phone that the variable names; raises UnsupportedPlatformError if it is not there."""
    for phone in found:
        if phone.is_called(word):
            return phone
    names = [phone.name for phone in found]
    others = f"devicectl lists {', '.join(names)}" if names else "devicectl lists no iPhone"
    raise UnsupportedPlatformError(
        f"{VARIABLE} names the phone {word}, and {others}; connect it, or unset {VARIABLE}",
        code="device.none",
        serial=word,
        available=names,
    )


def _require_ready(phone: Phone) -> None:
    """Refuse a phone that cannot be spoken to; raises UnsupportedPlatformError."""
    if phone.listed.connection_properties.pairing_state not in {"", "paired"}:
        raise UnsupportedPlatformError(
            f"the phone {phone.name} is not paired with this Mac; unlock it, and confirm that it "
            "trusts this Mac",
            code="device.unauthorized",
            serial=phone.name,
        )
    if phone.listed.device_properties.developer_mode_status == "disabled":
        raise UnsupportedPlatformError(
            f"the phone {phone.name} does not run apps that are being developed; switch on "
            "Developer Mode in its Settings, Privacy & Security, and let it restart",
            code="device.developer-mode",
            serial=phone.name,
        )
    if _tunnel(phone) == "unavailable":
        raise UnsupportedPlatformError(
            f"the phone {phone.name} cannot be spoken to: it is not connected, or switched off; "
            "connect it by USB and unlock it",
            code="device.offline",
            serial=phone.name,
            found="unavailable",
        )


def _tunnel(phone: Phone) -> str:
    """`connected`, `disconnected` (it connects when it is spoken to), or `unavailable`."""
    return phone.listed.connection_properties.tunnel_state
