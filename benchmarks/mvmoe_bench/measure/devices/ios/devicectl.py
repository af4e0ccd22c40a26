"""The program `devicectl` of Xcode, one call after the other.

What it prints is for people and changes; what it writes with `--json-output` is stable: `info` with
the outcome, then `result` or `error`. An error has a domain, a code, and the error below it.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mvmoe_deploy.errors import EngineError, MissingExtraError
from mvmoe_deploy.system.temporary import temporary_directory

_PROGRAM = ("xcrun", "devicectl")

SECONDS = 60.0
"""Within which a short command answers."""

_GRACE = 15.0
"""Seconds beyond its own limit after which a call that hangs is ended from here."""

_SHORTEST = 5.0
"""devicectl refuses a shorter limit."""

_MOST_BELOW = 20
"""As far as errors below errors are followed."""


@dataclass(frozen=True)
class Refusal:
    """Why devicectl did not do something."""

    causes: tuple["Cause", ...]
    """The error and those below it, the outermost first."""

    def __str__(self) -> str:
        """The innermost sentence: it says what really was the matter."""
        said = [text for cause in self.causes for text in (cause.text, cause.reason) if text]
        return said[-1] if said else "devicectl says nothing of why"

    def is_of(self, domain: str, code: int) -> bool:
        """Whether one of the errors is that one."""
        return any(cause.domain == domain and cause.code == code for cause in self.causes)

    def says(self, words: str) -> bool:
        """Whether one of the errors has these words, whatever their case."""
        texts = (f"{cause.text} {cause.reason}" for cause in self.causes)
        return any(words.lower() in text.lower() for text in texts)


@dataclass(frozen=True)
class Cause:
    """One error of Apple's kind."""

    domain: str
    code: int
    text: str
    reason: str


TIMED_OUT = Refusal((Cause("mvmoe", 1, "devicectl did not answer in time", ""),))


class DevicectlError(Exception):
    """devicectl refused; whoever called makes an error of it that says what to do."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class _Answer(msgspec.Struct, frozen=True):
    """What it writes."""

    info: dict[str, Any] = {}
    result: dict[str, Any] = {}
    error: dict[str, Any] | None = None


def call(words: Sequence[str], seconds: float = SECONDS) -> dict[str, Any]:
    """What a command results in.

    Raises DevicectlError where it refuses or does not answer in time, MissingExtraError without
    Xcode, EngineError (`device.failed`) for an answer that is none.
    """
    limit = max(seconds, _SHORTEST)
    with temporary_directory() as folder:
        written = folder / "answer.json"
        options = ["--quiet", "--timeout", f"{limit:.0f}", "--json-output", str(written)]
        ended = _run([*_PROGRAM, *words[: _depth(words)], *options, *words[_depth(words) :]], limit)
        text = written.read_bytes() if written.exists() else b""
    return _result(text, words, ended)


def _depth(words: Sequence[str]) -> int:
    """How many words name the command: options stand behind them, before what goes to an app."""
    return next((at for at, word in enumerate(words) if word.startswith("-")), len(words))


def _run(command: list[str], limit: float) -> "subprocess.CompletedProcess[bytes]":
    """Run it; a call that hangs beyond its own limit is killed."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=limit + _GRACE,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise MissingExtraError(
            "the device ios needs devicectl, which comes with Xcode 16 or later on a Mac; install "
            "Xcode, and choose it with xcode-select",
            what="devicectl",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DevicectlError(TIMED_OUT) from error


def _result(
    text: bytes, words: Sequence[str], ended: "subprocess.CompletedProcess[bytes]"
) -> dict[str, Any]:
    """The result in what was written; raises DevicectlError for an error."""
    try:
        answer = msgspec.json.decode(text, type=_Answer)
    except msgspec.MsgspecError as error:
        if _lacks_devicectl(ended):
            raise MissingExtraError(
                "the Xcode that is chosen here has no devicectl; choose one of version 16 or later "
                "with xcode-select",
                what="devicectl",
            ) from error
        raise EngineError(
            f"devicectl {' '.join(words[:3])} gave no answer that can be read "
            f"({_last_line(ended.stderr)}); update Xcode, or restart the Mac",
            code="device.failed",
            serial="",
            found=_last_line(ended.stderr),
        ) from error
    if answer.error is not None or answer.info.get("outcome") != "success":
        raise DevicectlError(Refusal(tuple(_causes(answer.error or {}))))
    return answer.result


def _lacks_devicectl(ended: "subprocess.CompletedProcess[bytes]") -> bool:
    return b"unable to find utility" in ended.stderr


def _causes(error: Any) -> Iterator[Cause]:
    """An error and those below it."""
    for _ in range(_MOST_BELOW):
        if not isinstance(error, dict):
            return
        details = error.get("userInfo")
        details = details if isinstance(details, dict) else {}
        yield Cause(
            domain=str(error.get("domain", "")),
            code=_number(error.get("code")),
            text=_text(details.get("NSLocalizedDescription")),
            reason=_text(details.get("NSLocalizedFailureReason")),
        )
        below = details.get("NSUnderlyingError")
        error = below.get("error") if isinstance(below, dict) else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    """Texts are objects `{"string": ...}`."""
    found = value.get("string") if isinstance(value, dict) else value
    return found.strip() if isinstance(found, str) else ""


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it says nothing"
