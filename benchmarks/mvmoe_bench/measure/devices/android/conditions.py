"""A phone that measures: awake, at an even speed, and cool."""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.phones import phone_errors
from mvmoe_bench.measure.schema.records import Conditions, Thermal
from mvmoe_deploy.errors import EngineError

STATUSES: tuple[str, ...] = get_args(Thermal)
"""What Android's numbers mean, from 0."""

COOL = 40.0
"""Degrees Celsius of a battery that is cool enough; one that charges by USB is at 30 to 37."""

COOLED_WITHIN = 600.0
"""Seconds that a phone has to become cool, before an order."""

_LOOK_EVERY = 5.0
"""Seconds between two looks."""

_FIXED = "cmd power set-fixed-performance-mode-enabled"
_FIXED_SINCE = 30
"""The API level that has it; whether a phone does is its maker's choice."""

_AWAKE = "global stay_on_while_plugged_in"
_ON_ANY_POWER = 15


@dataclass(frozen=True)
class Heat:
    """How warm a phone is."""

    status: str | None
    """None before Android 10, or where the phone does not say."""
    celsius: float | None
    """The battery's."""

    @property
    def is_cool(self) -> bool:
        """Whether nothing of its speed is taken away, as far as it says."""
        return self.status in (None, STATUSES[0]) and (self.celsius is None or self.celsius <= COOL)

    def __str__(self) -> str:
        warm = "" if self.celsius is None else f"its battery has {self.celsius:.1f} degrees"
        status = "" if self.status is None else f"its thermal status is {self.status}"
        return " and ".join(word for word in (warm, status) if word)


def heat(adb: Adb) -> Heat:
    """How warm the phone is at this moment."""
    thermal = re.search(r"Thermal Status: (\d+)", adb.ask("dumpsys thermalservice") or "")
    number = int(thermal[1]) if thermal else None
    tenths = battery(adb).get("temperature")
    return Heat(
        status=STATUSES[number] if number is not None and number < len(STATUSES) else None,
        celsius=int(tenths) / 10 if tenths and tenths.lstrip("-").isdigit() else None,
    )


def battery(adb: Adb) -> dict[str, str]:
    """What `dumpsys battery` says, by its words."""
    lines = (adb.ask("dumpsys battery") or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def of(adb: Adb) -> Conditions:
    """How the phone is at this moment."""
    found, level = heat(adb), battery(adb).get("level", "")
    return Conditions(
        thermal_status=found.status,
        celsius=found.celsius,
        battery_level=int(level) if level.isdigit() else None,
    )


def cool_down(adb: Adb) -> None:
    """Wait until the phone is cool; raises EngineError (`device.too-hot`) if it stays warm."""
    deadline = time.monotonic() + COOLED_WITHIN
    while not (found := heat(adb)).is_cool:
        if time.monotonic() > deadline:
            raise phone_errors.too_hot(adb.serial, COOLED_WITHIN, str(found))
        time.sleep(_LOOK_EVERY)


@contextlib.contextmanager
def steady(adb: Adb, api: int) -> Iterator[bool]:
    """Keep the phone awake and its speed even while the block lasts; gives whether it is even.

    Afterwards it is as before, but for a phone that is gone: its speed stays even until it is
    restarted.
    """
    with contextlib.ExitStack() as undone:
        _stay_awake(adb, undone)
        yield api >= _FIXED_SINCE and _fix_speed(adb, undone)


def _stay_awake(adb: Adb, undone: contextlib.ExitStack) -> None:
    """Switch the screen on, and keep it on while the phone has power."""
    before = adb.ask(f"settings get {_AWAKE}")
    restored = f"settings put {_AWAKE} {before if before and before.isdigit() else 0}"
    undone.callback(_undo, adb, restored)
    adb.shell(f"settings put {_AWAKE} {_ON_ANY_POWER}")
    adb.shell("input keyevent KEYCODE_WAKEUP; wm dismiss-keyguard")


def _fix_speed(adb: Adb, undone: contextlib.ExitStack) -> bool:
    """Whether the phone has a speed that it can hold, which it is then set to."""
    # Before, so that an interruption in between leaves nothing behind.
    undone.callback(_undo, adb, f"{_FIXED} false")
    return adb.shell(f"{_FIXED} true").code == 0


def _undo(adb: Adb, command: str) -> None:
    """Put something back, unless the phone is gone."""
    with contextlib.suppress(EngineError):
        adb.shell(command)
