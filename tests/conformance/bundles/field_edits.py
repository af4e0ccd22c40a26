"""Edits of single fields, found by walking docs/manifest.schema.json beside a valid manifest."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "manifest.schema.json").read_text(encoding="utf-8")
)
_MOST_ITEMS = 2000
"""Longer arrays would make the cases large."""

_OTHER_TYPES: dict[str, list[Any]] = {
    "string": [7, None],
    "integer": ["1", 1.5, True, None],
    "number": ["0.5", True, None],
    "boolean": [0, "true", None],
    "array": [{}, "x", None],
    "object": [[], "x", None],
}

Path_ = tuple[str | int, ...]


class Edit(NamedTuple):
    """What is done to a field, in words, and what the manifest is then."""

    name: str
    manifest: dict[str, Any]


def field_edits(manifest: dict[str, Any], seen: set[str]) -> Iterator[Edit]:
    """Edits of every kind of field that no manifest before had; `seen` are those that were."""
    for name, path, value in _walk(SCHEMA, manifest, (), "$", seen):
        changed = copy.deepcopy(manifest)
        node = changed
        for step in path[:-1]:
            node = node[step]
        if value is _REMOVED:
            del node[path[-1]]
        else:
            node[path[-1]] = value
        yield Edit(name, changed)


_REMOVED = object()

_Found = Iterator[tuple[str, Path_, Any]]


def _walk(schema: dict[str, Any], value: Any, path: Path_, kind: str, seen: set[str]) -> _Found:
    """Changes of a value, and of all that is in it; `kind` names it, whatever its place."""
    branches = _branches(schema)
    own = next((branch for branch in branches if _is_of(branch, value)), None)
    if own is None:
        return
    types = {branch.get("type", "string") for branch in branches}
    key = f"{kind} {own.get('title', own.get('type'))}"
    if path and key not in seen:
        seen.add(key)
        for name, other in _values(own, types, value, seen):
            yield f"{kind}: {name}", path, other
    if isinstance(value, dict):
        yield from _within(own, value, path, kind, seen)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(own["items"], item, (*path, index), f"{kind}[]", seen)


def _within(
    own: dict[str, Any], value: dict[str, Any], path: Path_, kind: str, seen: set[str]
) -> _Found:
    """Changes of the fields or entries of an object."""
    if "properties" in own:
        name = f"{kind} {own['title']}"
        if f"fields of {name}" not in seen:
            seen.add(f"fields of {name}")
            yield f"{name}: a field that nobody knows", (*path, "surprise"), 1
            for field in own.get("required", []):
                yield f"{name}: without {field}", (*path, field), _REMOVED
        for field, item in value.items():
            yield from _walk(
                own["properties"][field], item, (*path, field), f"{kind}.{field}", seen
            )
        return
    if f"keys of {kind}" not in seen and value:
        seen.add(f"keys of {kind}")
        item = next(iter(value.values()))
        names = own.get("propertyNames", {})
        for bad in ("", "a b", "ä", "../x", "x" * 201, "a\n") if "pattern" in names else ("depth",):
            yield f"{kind}: the key {_shown(bad)}", path, {**value, bad: item}
    for field, item in value.items():
        yield from _walk(own["additionalProperties"], item, (*path, field), f"{kind}{{}}", seen)


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a value may be, one by one."""
    if "$ref" in schema:
        return _branches(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return [found for one in schema["anyOf"] for found in _branches(one)]
    return [schema]


def _is_of(branch: dict[str, Any], value: Any) -> bool:
    """Whether a branch is the one that a valid value follows."""
    kind = branch.get("type", "string")
    if kind == "object" and isinstance(value, dict):
        tag = branch.get("properties", {}).get("type")
        return tag is None or value.get("type") in tag["enum"]
    types = {"string": str, "integer": int, "number": (int, float), "array": list, "boolean": bool}
    if kind == "null" or value is None:
        return kind == "null" and value is None
    if isinstance(value, bool):
        return kind == "boolean"
    return kind in types and isinstance(value, types[kind])


def _values(
    own: dict[str, Any], types: set[str], value: Any, seen: set[str]
) -> Iterator[tuple[str, Any]]:
    """Other values of a field: of other types, at the ends of its range and beyond them."""
    kind = own.get("type", "string")
    for other in _OTHER_TYPES.get(kind, []):
        if not any(_is_of({"type": one}, other) for one in types):
            yield f"{_shown(other)}, a {type(other).__name__}", other
    if "enum" in own:
        yield "another value", "other" if kind == "string" else 3
    elif kind in ("integer", "number"):
        yield from _numbers(own, kind)
    elif kind == "string":
        yield from _texts(own, seen)
    elif kind == "array":
        yield from _lengths(own, value, "Items")
    elif kind == "object" and "additionalProperties" in own:
        yield from _lengths(own, value, "Properties")


def _numbers(own: dict[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    step = 1 if kind == "integer" else 1e-9
    for end, sign in (("minimum", -1), ("maximum", 1)):
        if end in own:
            bound = own[end]
            yield f"{bound}, its {end}", bound
            far = bound + sign * (step if abs(bound) < 1e6 or kind == "integer" else abs(bound))
            yield f"{far}, beyond its {end}", far
    for end in ("exclusiveMinimum", "exclusiveMaximum"):
        if end in own:
            yield f"{own[end]}, its {end}", own[end]
    if kind == "integer" and "maximum" in own:
        yield "a whole number with a fraction", float(own["minimum"] + 1)
        yield "1e30, written out", 10**30


def _texts(own: dict[str, Any], seen: set[str]) -> Iterator[tuple[str, Any]]:
    if own.get("minLength", 0):
        yield "empty", ""
    if "maxLength" in own:
        # Most systems have no longer names of files than 255 characters.
        letters = "abcdefg/" if "/" in own.get("pattern", "") else "a"
        longest = (letters * own["maxLength"])[: own["maxLength"]]
        yield "of the longest length", longest
        yield "one character longer than that", longest + "a"
    if "pattern" in own:
        # What only some patterns forbid stands at the first field with each.
        first = own["pattern"] not in seen
        seen.add(own["pattern"])
        for bad in ("a\n", "\u0007", *(("a b", "Ä", "-a", "A/b", "\u0085") if first else ())):
            yield f"the text {_shown(bad)}", bad


def _lengths(own: dict[str, Any], value: Any, what: str) -> Iterator[tuple[str, Any]]:
    if own.get(f"min{what}", 0):
        yield "empty", type(value)()
    most = own.get(f"max{what}", _MOST_ITEMS)
    if most < _MOST_ITEMS and value:
        for count in (most, most + 1):
            if isinstance(value, list):
                yield f"{count} items", (value * count)[:count]
            else:
                item = next(iter(value.values()))
                yield f"{count} entries", {f"e{number}": item for number in range(count)}


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else f"{text[:30]}..."
