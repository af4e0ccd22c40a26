"""An order that the app follows: its lines are fetched while it is at work."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mvmoe_bench.measure.phones import phone_errors
from mvmoe_bench.measure.phones.link import AppLink
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Record
from mvmoe_deploy.errors import EngineError

SILENT_FOR = 30.0
"""Seconds without a sign of life, after which the app has ended; it gives one every second."""


class FolderState(msgspec.Struct, frozen=True):
    """What the app's `state.json` says."""

    state: Literal["running", "done", "failed"]
    beat: int
    subject: str | None = None
    message: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Ended:
    """How an order ended that did not come to its end."""

    message: str
    code: str | None
    subject: str | None
    """The subject that was at work."""


class FollowedOrder:
    """One order in a process of the app, from its start to its end."""

    def __init__(self, link: AppLink, order: MeasurementOrder, name: str) -> None:
        self._link = link
        self._order = order
        self._name = name
        self._text = b""
        self._beat = -1
        self._heard = 0.0

    def start(self, path: str) -> None:
        """Start the app with the order at a path of the phone."""
        self._link.start(self._name, path)
        self._heard = time.monotonic()

    def wait(self) -> Ended | None:
        """Wait for its end, and fetch its lines meanwhile; None if it came to its end.

        Raises EngineError if the phone is lost or full.
        """
        while True:
            state = self._look()
            if state is not None and state.state != "running":
                return None if state.state == "done" else self._failed(state)
            if time.monotonic() - self._heard > SILENT_FOR:
                return self._silent()
            time.sleep(self._link.look_every)

    def stop(self) -> None:
        """End the app, and fetch what it has written last; a phone that is gone stops nothing."""
        with contextlib.suppress(EngineError):
            self._link.stop()
            self._look()

    def lines(self) -> list[Record]:
        """All lines that were fetched; one that is not complete yet is left out."""
        return list(results.decode_lines(self._text[: self._text.rfind(b"\n") + 1]))

    def forget(self) -> None:
        """Remove its folder from the phone."""
        self._link.forget(self._name)

    def _look(self) -> FolderState | None:
        """The state, read before the lines: the last lines are there when it says done."""
        found = self._link.look(self._name, len(self._text))
        self._text += found.lines
        try:
            state = msgspec.json.decode(found.state, type=FolderState)
        except msgspec.MsgspecError:
            return None  # It has not begun yet.
        if state.beat != self._beat:
            self._beat, self._heard = state.beat, time.monotonic()
        return state

    def _failed(self, state: FolderState) -> Ended:
        """What the app says of its failure; raises EngineError (`device.full`) for a full disk."""
        message = state.message or "the app does not say why"
        if phone_errors.is_full(message):
            raise phone_errors.full(self._link.phone, "the lines of the app")
        return Ended(message, state.code, self._at_work() or state.subject)

    def _silent(self) -> Ended:
        """An app that was killed, or hangs; it is ended."""
        at_work, reason = self._at_work(), self._link.end_reason()
        self.stop()
        told = f" ({self._link.system} says: {reason})" if reason else ""
        return Ended(
            f"the app gave no sign of life for {SILENT_FOR:.0f} s{told}: an engine, or the system, "
            "has ended its process",
            "device.app-ended",
            at_work,
        )

    def _at_work(self) -> str | None:
        """The subject at work."""
        position = self._link.at_work(self._name)
        subjects = self._order.subjects
        return subjects[position - 1].key if 0 < position <= len(subjects) else None


def written(order: MeasurementOrder, folder: Path) -> Path:
    """The order as a file of this machine."""
    file = folder / "order.json"
    file.write_bytes(msgspec.json.encode(order))
    return file
