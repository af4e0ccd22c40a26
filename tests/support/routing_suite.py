"""Runs the conformance cases of routing on a reader; `README.md` beside them describes both.

A reader has the two methods of `Reader`. Nothing here knows how the answers come about.
"""

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

CASES = Path(__file__).parents[1] / "conformance" / "routing" / "cases"


class RefusedError(Exception):
    """A reader refuses a rule, logits or a route, with a code of docs/errors.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Reader(Protocol):
    """An implementation of *Routing* in docs/bundle.md; rules are plain data, logits fp32.

    A stage without a router has no logits: the list is empty.
    """

    def select(self, rule: dict[str, Any], logits: list[float]) -> tuple[list[int], list[float]]:
        """The route and the gates of its experts; raises RefusedError."""

    def choose(
        self, rule: dict[str, Any], choices: dict[str, str], logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """The same where the caller has chosen; raises RefusedError."""

    def in_turn(
        self, rule: dict[str, Any], image: int, logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """The same for a golden image by its number; raises RefusedError."""

    def gates(self, rule: dict[str, Any], route: list[int], logits: list[float]) -> list[float]:
        """The gates of a route that is imposed; raises RefusedError."""


def from_bits(text: str) -> list[float]:
    """fp32 numbers of 8 hexadecimal digits each, the most significant first."""
    return list(struct.unpack(f">{len(text) // 8}f", bytes.fromhex(text)))


def to_bits(numbers: list[float]) -> str:
    """The same digits of numbers that fp32 holds; a number between two of them is `between`."""
    try:
        text = struct.pack(f">{len(numbers)}f", *numbers)
    except OverflowError:
        return "overflow"
    exact = list(struct.unpack(f">{len(numbers)}f", text)) == list(numbers)
    return text.hex() if exact or any(map(math.isnan, numbers)) else "between"


def files() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each file of cases by its name."""
    for path in sorted(CASES.glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))["cases"]


def failures(reader: Reader) -> Iterator[tuple[str, str]]:
    """The rows that a reader gets wrong: the file with its rule, and what it said instead."""
    for name, cases in files():
        for case in cases:
            for row in case["rows"]:
                found = _answer(reader, case["rule"], row)
                expected = {key: row[key] for key in ("route", "gates", "code") if key in row}
                if found != expected:
                    yield f"{name} {case['rule']}", f"{row} gave {found}"


def _answer(reader: Reader, rule: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What a reader says of a row, as the row says it."""
    logits = from_bits(row["logits"])
    try:
        if "imposed" in row:
            return {"gates": to_bits(reader.gates(rule, row["imposed"], logits))}
        if "golden" in row:
            route, gates = reader.in_turn(rule, row["golden"], logits)
        elif "choices" in row:
            route, gates = reader.choose(rule, row["choices"], logits)
        else:
            route, gates = reader.select(rule, logits)
    except RefusedError as error:
        return {"code": error.code}
    return {"route": route, "gates": to_bits(gates)}
