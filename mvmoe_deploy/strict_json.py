"""JSON that others wrote: read strictly, and within limits that hold however Python is set.

Python's own limits (recursion, digits of a number) belong to the process: an application may have
raised them, and a text of a megabyte would then end it or keep it busy for minutes.
"""

import codecs
import json
import re
from collections import Counter
from typing import Any, Literal

from mvmoe_deploy.text import quoted

MOST_DEPTH = 64
"""Objects and arrays within each other; a manifest has nine."""

_MOST_DIGITS = 4300
"""Of one number: the limit that Python has by default."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class StrictJsonError(ValueError):
    """JSON text that another parser might read, each in its own way; `kind` says why.

    `key` is the one that an object has twice.
    """

    def __init__(
        self,
        reason: str,
        kind: Literal["byte-order-mark", "duplicate-key", "too-deep", "number"],
        key: str = "",
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.key = key


def loads(data: bytes) -> Any:
    """The content of JSON text: UTF-8, no key twice, no NaN, bounded depth and numbers.

    Raises ValueError with the reason; StrictJsonError where it is one of ours.
    """
    if data.startswith(_MARKS):
        raise StrictJsonError(
            "it begins with a byte order mark (BOM); save it as UTF-8 without one",
            "byte-order-mark",
        )
    require_shallow(data)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct_keys,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
        )
    except RecursionError as error:  # The caller's stack is nearly full already.
        raise StrictJsonError("it is nested too deeply", "too-deep") from error


def object_of(data: bytes | None) -> dict[str, Any]:
    """The object that JSON text holds; an empty one for no text, no JSON, or something else."""
    try:
        content = loads(data or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def require_shallow(data: bytes) -> None:
    """Refuse JSON text that is nested too deeply for any parser; raises ValueError."""
    if data.count(b"[") + data.count(b"{") <= MOST_DEPTH:
        return
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            raise StrictJsonError("it is nested too deeply", "too-deep")


def _bounded_int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise StrictJsonError(f"it has a number of {len(text)} digits", "number")
    return int(text)


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs; a key that is there twice has no single meaning."""
    result = dict(pairs)
    if len(result) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise StrictJsonError(f"the key {quoted(key)} is there twice", "duplicate-key", key)
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
