"""Which of Apple's API is newer than what an app may have, and whether code asks before using it.

A compiler on Linux ignores `@available(iOS 18.0, macOS 15.0, *)`. So the stubs of Apple's
frameworks are read here, and the sources that use them: each use of a newer name has to be in a
declaration with `@available`, or behind `#available`, of that version or a later one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17.0
"""The release of iOS that the package needs; what is as old may be used anywhere."""

_VERSION = r"\(\s*iOS (?P<{0}>\d+(?:\.\d+)?), macOS \d+(?:\.\d+)?, \*\)"
_TOKENS = re.compile(
    r"@available" + _VERSION.format("attribute") + r"|\b(?P<form>if|guard)\s+#available"
    + _VERSION.format("question") + r"|(?P<brace>[{}])|(?P<dot>\.)?(?P<name>\b[A-Za-z_]\w*)"
)  # fmt: skip
_DECLARED = re.compile(r"\b(class|struct|enum|protocol|var|let|func|case|typealias) +`?(\w+)")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_COMMENT = re.compile(r"//[^\n]*")


@dataclass(frozen=True)
class Use:
    """A newer name that is used without a question."""

    file: str
    name: str
    needs: float
    has: float

    def __str__(self) -> str:
        return f"{self.file} uses {self.name} of iOS {self.needs} where iOS may be {self.has}"


def newer_names(stubs: Path) -> dict[str, float]:
    """Names that stubs declare for newer systems only, each with its first release of iOS.

    Cases of enumerations are left out: many are words that anybody uses.
    """
    first: dict[str, list[float]] = {}
    for path in sorted(stubs.rglob("*.swift")):
        for name, release in _declarations(_code(path)):
            first.setdefault(name, []).append(release)
    return {name: min(found) for name, found in first.items() if min(found) > OLDEST}


def unasked(sources: list[Path], newer: dict[str, float]) -> list[Use]:
    """Uses of newer names in code that may run on an older system."""
    return [use for path in sources for use in _uses(path, newer)]


def _declarations(text: str) -> Iterator[tuple[str, float]]:
    """What is declared, with the release from which on it is there."""
    for token, release in _walk(text):
        if _declared_as(text, token) not in (None, "case"):
            yield token["name"], release


def _uses(path: Path, newer: dict[str, float]) -> Iterator[Use]:
    text = _code(path)
    for token, release in _walk(text):
        name = token["name"]
        if release < newer.get(name, 0) and _declared_as(text, token) is None:
            yield Use(path.name, name, newer[name], release)


def _declared_as(text: str, token: re.Match[str]) -> str | None:
    """The keyword before a name that is declared there."""
    before = re.search(r"\w+$", text[: token.start()].rstrip(" `"))
    found = _DECLARED.match(text, before.start()) if before else None
    return found[1] if found and found.start(2) == token.start("name") else None


def _walk(text: str) -> Iterator[tuple[re.Match[str], float]]:
    """All names, with the release of iOS that the code around them can rely on."""
    releases = [OLDEST]
    guards: list[float | None] = [None]
    pending: float | None = None
    guarded: float | None = None
    for token in _TOKENS.finditer(text):
        if token["attribute"]:
            pending = max(releases[-1], float(token["attribute"]))
        elif token["form"] == "if":
            pending = max(releases[-1], float(token["question"]))
        elif token["form"] == "guard":
            guarded = float(token["question"])
        elif token["brace"] == "{":
            releases.append(pending or releases[-1])
            guards.append(guarded)
            pending = guarded = None
        elif token["brace"] == "}":
            releases.pop()
            # After the block of a guard the question was answered with yes.
            answered = guards.pop()
            releases[-1] = max(releases[-1], answered or 0)
        else:
            yield token, pending or releases[-1]
            if pending and _ends(text, token.end()):
                pending = None


def _ends(text: str, place: int) -> bool:
    """Whether a line ends that has no block: a property, or a case, with `@available`."""
    line = text[place : text.find("\n", place)]
    before = text[text.rfind("\n", 0, place) + 1 : place]
    return "{" not in line and _DECLARED.search(before) is not None and "(" not in before + line


def _code(path: Path) -> str:
    """A file without its comments and texts."""
    return _QUOTED.sub('""', _COMMENT.sub("", path.read_text()))
