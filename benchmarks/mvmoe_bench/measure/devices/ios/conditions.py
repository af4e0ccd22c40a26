"""A phone that measures: cool, and not in low-power mode. The app itself says how it is."""

import time
from collections.abc import Callable

from mvmoe_bench.measure.phones import phone_errors
from mvmoe_bench.measure.phones.description import Description
from mvmoe_bench.measure.schema.records import Conditions

COOLED_WITHIN = 600.0
"""Seconds that a phone has to become cool, before an order."""

LOOK_EVERY = 15.0
"""Seconds between two looks: each starts the app."""

_COOL = "none"
"""Of the thermal statuses; iOS calls it nominal."""


def of(described: Description) -> Conditions:
    """How the phone is, by what the app says of it."""
    said = described.identity
    status, level, low = (said.get(name) for name in ("thermal_status", "battery", "low_power"))
    return Conditions(
        thermal_status=status if isinstance(status, str) else None,
        battery_level=level if isinstance(level, int) else None,
        low_power=low if isinstance(low, bool) else None,
    )


def cool_down(phone: str, describe: Callable[[], Description]) -> Description:
    """Wait until the phone is cool; what the app said last.

    Raises EngineError (`device.too-hot`) if it stays warm. A phone that does not say is cool.
    """
    deadline = time.monotonic() + COOLED_WITHIN
    while True:
        described = describe()
        status = described.identity.get("thermal_status", _COOL)
        if status in {_COOL, None}:
            return described
        if time.monotonic() > deadline:
            raise phone_errors.too_hot(phone, COOLED_WITHIN, f"its thermal status is {status}")
        time.sleep(LOOK_EVERY)
