"""What is said to one iPhone, and what its refusals mean."""

from collections.abc import Sequence
from typing import Any

from mvmoe_bench.measure.devices.ios import devicectl
from mvmoe_bench.measure.devices.ios.devicectl import TIMED_OUT, DevicectlError, Refusal
from mvmoe_bench.measure.phones import phone_errors
from mvmoe_deploy.errors import EngineError

_CORE_DEVICE = "com.apple.dt.CoreDeviceError"
_NOT_FOUND = 1000
_NO_CONNECTION = 4000
_POSIX = "NSPOSIXErrorDomain"
_NO_SPACE = 28

_GONE = ("connection was invalidated", "connection was interrupted", "could not be established")


class PhoneLine:
    """Commands to one phone; `name` is what people call it."""

    def __init__(self, identifier: str, name: str) -> None:
        self._identifier = identifier
        self.name = name

    def ask(
        self, words: Sequence[str], what: str, seconds: float = devicectl.SECONDS
    ) -> dict[str, Any]:
        """What a command of `devicectl device` results in; `what` says what it does: `start it`.

        Raises EngineError for a refusal: `device.locked`, `device.lost`, `device.full`,
        `device.untrusted`, `device.developer-mode`, `device.app-missing` or `device.failed`.
        """
        try:
            return self.ask_plainly(words, seconds)
        except DevicectlError as error:
            raise self.error(error.refusal, what) from error

    def ask_plainly(
        self, words: Sequence[str], seconds: float = devicectl.SECONDS
    ) -> dict[str, Any]:
        """As `ask`; raises DevicectlError for a refusal, for those who look at it themselves."""
        return devicectl.call(["device", *self._addressed(words)], seconds)

    def _addressed(self, words: Sequence[str]) -> list[str]:
        """The phone's identifier stands before the first option or argument of the command."""
        plain = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
        return [*words[:plain], "--device", self._identifier, *words[plain:]]

    def error(self, refusal: Refusal, what: str) -> EngineError:
        """The error that a refusal means."""
        if refusal.says("could not be, unlocked") or refusal.says("device is locked"):
            return EngineError(
                f"the phone {self.name} is locked, so it does not {what}; unlock it, let it not "
                "lock itself (Settings, Display & Brightness, Auto-Lock), and give --resume to go "
                "on: what was measured is kept",
                code="device.locked",
                serial=self.name,
            )
        if refusal.says("not been explicitly trusted"):
            return EngineError(
                f"the phone {self.name} does not trust who has signed the app; allow it in its "
                "Settings, General, VPN & Device Management (a free profile ends after 7 days)",
                code="device.untrusted",
                serial=self.name,
            )
        if refusal.says("developer mode"):
            return EngineError(
                f"the phone {self.name} does not run apps that are being developed; switch on "
                "Developer Mode in its Settings, Privacy & Security, and let it restart",
                code="device.developer-mode",
                serial=self.name,
            )
        if phone_errors.is_full(str(refusal)) or refusal.is_of(_POSIX, _NO_SPACE):
            return phone_errors.full(self.name, what)
        if is_lost(refusal):
            return phone_errors.lost(self.name, str(refusal))
        return phone_errors.failed(self.name, what, str(refusal))


def is_lost(refusal: Refusal) -> bool:
    """Whether a refusal means that the phone is not there any more."""
    return (
        refusal is TIMED_OUT
        or refusal.is_of(_CORE_DEVICE, _NOT_FOUND)
        or refusal.is_of(_CORE_DEVICE, _NO_CONNECTION)
        or any(map(refusal.says, _GONE))
    )
