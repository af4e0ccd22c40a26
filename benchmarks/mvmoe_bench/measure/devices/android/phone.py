"""Which phone is meant: the only one that adb sees, or the one that ANDROID_SERIAL names."""

import os
import subprocess
from collections.abc import Iterator

from mvmoe_bench.measure.devices.android import adb
from mvmoe_deploy.errors import UnsupportedPlatformError

_SERIAL = "ANDROID_SERIAL"
"""The variable that adb itself reads."""

_READY = "device"
"""What adb calls a phone that it can speak to."""

_UNCONFIRMED = ("unauthorized", "authorizing")


def find_phone() -> str:
    """The serial of the phone to measure on.

    Raises UnsupportedPlatformError if there is none or several (`device.none`, `device.several`),
    or if it cannot be spoken to (`device.unauthorized`, `device.offline`); MissingExtraError
    without adb.
    """
    found = dict(_phones())
    serial = os.environ.get(_SERIAL) or _the_only_one(found)
    if serial not in found:
        others = f"adb sees {', '.join(found)}" if found else "adb sees no phone"
        raise UnsupportedPlatformError(
            f"{_SERIAL} names the phone {serial}, and {others}; connect it, or unset {_SERIAL}",
            code="device.none",
            serial=serial,
            available=list(found),
        )
    _require_ready(serial, found[serial])
    return serial


def _the_only_one(found: dict[str, str]) -> str:
    """The serial of the only phone; raises UnsupportedPlatformError for none or several."""
    if not found:
        raise UnsupportedPlatformError(
            "the device android was asked for, and adb sees no phone; connect one by USB, and "
            "switch on USB debugging in its developer options",
            code="device.none",
        )
    if len(found) > 1:
        raise UnsupportedPlatformError(
            f"adb sees {len(found)} phones ({', '.join(found)}); name the one to measure on: "
            f"{_SERIAL}={next(iter(found))} mvmoe bench ...",
            code="device.several",
            available=list(found),
        )
    return next(iter(found))


def _require_ready(serial: str, state: str) -> None:
    """Refuse a phone that adb cannot speak to; raises UnsupportedPlatformError."""
    if state.startswith(_UNCONFIRMED):
        raise UnsupportedPlatformError(
            f"the phone {serial} has not allowed this machine to speak to it; unlock it, and "
            "confirm the question about USB debugging on its screen",
            code="device.unauthorized",
            serial=serial,
        )
    if state != _READY:
        raise UnsupportedPlatformError(
            f"the phone {serial} cannot be spoken to: adb calls it {state!r}; connect it again, "
            "or restart adb (adb kill-server)",
            code="device.offline",
            serial=serial,
            found=state,
        )


def _phones() -> Iterator[tuple[str, str]]:
    """Serials and states, as `adb devices` lists them."""
    try:
        ended = adb.call(["devices"])
    except subprocess.TimeoutExpired as error:
        raise UnsupportedPlatformError(
            "adb does not answer; restart it (adb kill-server)", code="device.offline"
        ) from error
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else "it says nothing of why"
        raise UnsupportedPlatformError(
            f"adb lists no phones: {reason}",
            code="device.none",
            found=reason,
        )
    for line in ended.stdout.decode(errors="replace").splitlines():
        serial, tab, state = line.partition("\t")
        if tab and not line.startswith("*"):
            yield serial.strip(), state.strip()
