"""What goes wrong between this machine and a phone, as errors of `docs/errors.md`."""

from mvmoe_deploy.errors import EngineError


def lost(phone: str, said: str = "") -> EngineError:
    """The connection is gone; `said` is what the tool said of it."""
    because = f" ({said})" if said else ""
    return EngineError(
        f"the phone {phone} does not answer any more{because}; connect it again, and give "
        "--resume to go on: what was measured is kept",
        code="device.lost",
        serial=phone,
        found=said,
    )


def full(phone: str, what: str) -> EngineError:
    """The phone's storage has no room; `what` was to be written there."""
    return EngineError(
        f"the storage of the phone {phone} is full: it has no room for {what}; free some space "
        "there, and give --resume to go on: what was measured is kept",
        code="device.full",
        serial=phone,
    )


def failed(phone: str, what: str, said: str) -> EngineError:
    """The phone, or the tool, refused something for a reason without a code of its own."""
    return EngineError(
        f"the phone {phone} did not {what}: {said or 'nothing is said of why'}",
        code="device.failed",
        serial=phone,
        found=said,
    )


def too_hot(phone: str, seconds: float, found: str) -> EngineError:
    """The phone does not become cool; `found` says how warm it is, in a clause."""
    return EngineError(
        f"the phone {phone} stays too hot to measure: after {seconds:.0f} s {found}; let it lie in "
        "a cool place without its case, end other apps, and give --resume to go on: what was "
        "measured is kept",
        code="device.too-hot",
        serial=phone,
        found=found,
    )


def is_full(said: str) -> bool:
    """Whether a program's words are those of a full disk."""
    return "No space left on device" in said or "ENOSPC" in said
