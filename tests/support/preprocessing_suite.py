"""Runs the conformance cases of preprocessing on a reader; `README.md` beside them describes both.

A reader has the five methods of `Reader`. Nothing here knows how the answers come about.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

CASES = Path(__file__).parents[1] / "conformance" / "preprocessing" / "cases"

LARGE = 2**16
"""Buffers of more bytes take a while."""


class Reader(Protocol):
    """An implementation of *Preprocessing* in docs/bundle.md; buffers and inputs are plain data."""

    def levels(self, buffer: dict[str, Any], spec: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
        """The levels `[C, H, W]` (uint8) that are normalized, and the transform.

        The transform is `[w, h, w', h', left, top]`.
        """

    def geometry(self, image: list[int], spec: dict[str, Any]) -> list[int]:
        """The same transform for an upright image of this size (width, height)."""

    def normalized(self, spec: dict[str, Any]) -> np.ndarray:
        """What each level from 0 to 255 becomes, `[C, 256]` (fp32)."""

    def places(self, transform: list[int], boxes: np.ndarray, clip: bool) -> np.ndarray:
        """Boxes `[N, 4]` of the input in the image, `[N, 4]` (fp64)."""

    def refusal(self, buffer: dict[str, Any]) -> str | None:
        """The code of the error by which a buffer is refused; None if it is read."""


def made_bytes(seed: int, run: int, length: int) -> np.ndarray:
    """The bytes `[length]` of the README's formula."""
    x = np.arange(length, dtype=np.uint32) // np.uint32(run)
    x += np.uint32(seed * 0x9E3779B9 % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x & np.uint32(255)).astype(np.uint8)


def plane_bytes(plane: dict[str, Any]) -> np.ndarray:
    """The bytes of a plane: stored, or made from a seed."""
    if "base64" in plane:
        return np.frombuffer(base64.b64decode(plane["base64"]), np.uint8)
    return made_bytes(plane["seed"], plane["run"], plane["length"])


def buffer_bytes(buffer: dict[str, Any]) -> int:
    """How large a buffer is."""
    return sum(len(plane_bytes(plane)) for plane in buffer["planes"])


def bits(numbers: np.ndarray) -> list[str]:
    """Doubles as 16 hexadecimal digits each: their bits, the most significant first."""
    return [struct.pack(">d", number).hex() for number in np.ravel(numbers).tolist()]


def from_bits(texts: list[str], columns: int) -> np.ndarray:
    """The doubles `[N, columns]` of such texts."""
    return np.array([struct.unpack(">d", bytes.fromhex(text))[0] for text in texts]).reshape(
        -1, columns
    )


def stored(name: str) -> list[dict[str, Any]]:
    """The cases of one file."""
    cases: list[dict[str, Any]] = json.loads((CASES / f"{name}.json").read_text())["cases"]
    return cases


PIXEL_FILES = ("resizing", "buffers", "orientations", "large")


def failures(reader: Reader, *, large: bool = True) -> Iterator[str]:
    """The names of the cases of which the reader gives something else, one after the other."""
    for name in PIXEL_FILES:
        for case in stored(name):
            if (large or name != "large") and not _has_pixels(reader, case):
                yield case["name"]
    yield from (case["name"] for case in stored("geometry") if not _has_geometry(reader, case))
    yield from (case["name"] for case in stored("normalizing") if not _normalizes(reader, case))
    yield from (case["name"] for case in stored("boxes") if not _has_places(reader, case))
    yield from (case["name"] for case in stored("refused") if not _refuses(reader, case))


def _has_pixels(reader: Reader, case: dict[str, Any]) -> bool:
    levels, transform = reader.levels(case["buffer"], case["input"])
    expected = case["expected"]
    shape = [len(case["input"]["channel_order"]), case["input"]["height"], case["input"]["width"]]
    if transform != expected["transform"] or list(levels.shape) != shape:
        return False
    data = np.ascontiguousarray(levels).tobytes()
    if hashlib.sha256(data).hexdigest() != expected["sha256"]:
        return False
    return "base64" not in expected or data == base64.b64decode(expected["base64"])


def _has_geometry(reader: Reader, case: dict[str, Any]) -> bool:
    return all(reader.geometry(row[:2], case["input"]) == row for row in case["transforms"])


def _normalizes(reader: Reader, case: dict[str, Any]) -> bool:
    expected = base64.b64decode(case["expected"])
    return reader.normalized(case["input"]).astype("<f4").tobytes() == expected


def _has_places(reader: Reader, case: dict[str, Any]) -> bool:
    boxes = from_bits(case["boxes"], 4)
    return all(
        bits(reader.places(case["transform"], boxes, clip)) == case[key]
        for clip, key in ((True, "cut"), (False, "not_cut"))
    )


def _refuses(reader: Reader, case: dict[str, Any]) -> bool:
    return reader.refusal(case["buffer"]) == case["code"]
