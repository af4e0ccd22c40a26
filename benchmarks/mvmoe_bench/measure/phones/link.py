"""The contract of the way to an app on a phone."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Look:
    """What was fetched of an order's folder."""

    state: bytes
    """`state.json`, empty where there is none yet; it was read before the lines."""
    lines: bytes
    """What `lines.jsonl` has beyond the bytes that were fetched before."""


class AppLink(Protocol):
    """Starts the app, reads what it writes.

    Every method raises EngineError with a code `device....` where the phone is lost, locked or
    full.
    """

    phone: str
    """The phone's name in messages, and the field `serial` of errors."""
    system: str
    """What says why an app ended: `Android`."""
    look_every: float
    """Seconds between two looks: each costs the phone something."""

    def start(self, name: str, order: str) -> None:
        """Start the app in a fresh process with an order at a path of the phone.

        It writes into the folder of that name.
        """

    def stop(self) -> None:
        """End the app's process."""

    def look(self, name: str, have: int) -> Look:
        """What is in the folder; `have` bytes of its lines are here already."""

    def at_work(self, name: str) -> int:
        """The number of the subject at work from 1 on, by the byte in `status`; 0 for none.

        It is right even where an engine has ended the process.
        """

    def end_reason(self) -> str | None:
        """Why the system last ended the app; None if it is not told."""

    def forget(self, name: str) -> None:
        """Remove the folder from the phone."""
