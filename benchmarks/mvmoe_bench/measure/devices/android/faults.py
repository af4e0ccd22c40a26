"""What goes wrong between this machine and a phone, as errors of `docs/errors.md`."""

from mvmoe_deploy.errors import EngineError


def lost(serial: str, said: str = "") -> EngineError:
    """The connection is gone; `said` is what adb said of it."""
    because = f" ({said})" if said else ""
    return EngineError(
        f"the phone {serial} does not answer any more{because}; connect it again, and give "
        "--resume to go on: what was measured is kept",
        code="device.lost",
        serial=serial,
    )


def full(serial: str, what: str) -> EngineError:
    """The phone's storage has no room; `what` was to be written there."""
    return EngineError(
        f"the storage of the phone {serial} is full: it has no room for {what}; free some space "
        "there, and give --resume to go on: what was measured is kept",
        code="device.full",
        serial=serial,
    )


def failed(serial: str, what: str, said: str) -> EngineError:
    """The phone, or adb, refused something for a reason without a code of its own."""
    return EngineError(
        f"the phone {serial} did not {what}: {said or 'adb says nothing of why'}",
        code="device.failed",
        serial=serial,
    )


def is_full(said: str) -> bool:
    """Whether a program's words are those of a full disk."""
    return "No space left on device" in said or "ENOSPC" in said
