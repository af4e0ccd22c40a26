"""JSON that others wrote: read strictly, and within limits that hold however Python is set.

Python's own limits (recursion, digits of a number) belong to the process: an application may have
raised them, and a text of a megabyte would then end it or keep it busy for minutes.
"""

import json
import re
from collections import Counter
from typing import Any

from mvmoe_deploy.text import quoted

MOST_DEPTH = 64
"""Objects and arrays within each other; a manifest has nine."""

_MOST_DIGITS = 4300
"""Of one number: the limit that Python has by default."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def loads(data: bytes) -> Any:
    """The content of JSON text: UTF-8, no key twice, no NaN, bounded depth and numbers.

    Raises ValueError with the reason.
    """
    require_shallow(data)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct_keys,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
        )
    except RecursionError as error:  # The caller's stack is nearly full already.
        raise ValueError("it is nested too deeply") from error


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
            raise ValueError("it is nested too deeply")


def _bounded_int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"it has a number of {len(text)} digits")
    return int(text)


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs; a key that is there twice has no single meaning."""
    result = dict(pairs)
    if len(result) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {quoted(key)} is there twice")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
