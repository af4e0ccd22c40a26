"""Runs the conformance cases of bundles on a reader; `README.md` beside them describes both.

Nothing here knows how a reader comes to its answers.
"""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

CASES = Path(__file__).parents[1] / "conformance" / "bundles" / "cases"
VALID = "valid"
MANIFEST = "manifest.json"

Case = dict[str, Any]
Plain = dict[str, Any]


class RefusedError(Exception):
    """A reader refuses a bundle, with a code of docs/errors.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Reader(Protocol):
    """An implementation of docs/bundle.md."""

    def read(self, root: Path) -> Plain:
        """Open the bundle at `root` and check all of its files; gives what it has read.

        Raises RefusedError.
        """


def valid_bundles() -> list[Plain]:
    """The valid bundles: name, files by path, and what a reader has read of them."""
    return json.loads((CASES / f"{VALID}.json").read_text(encoding="utf-8"))["bundles"]


def content_of(stored: Plain) -> bytes:
    """The bytes of a file, or of what is inserted, as the cases have it.

    `text` is in UTF-8; `base64`; or `parts`, each a text and how often it stands there.
    """
    if "base64" in stored:
        return base64.b64decode(stored["base64"])
    if "parts" in stored:
        return b"".join(text.encode() * times for text, times in stored["parts"])
    return stored.get("text", "").encode()


def stored(data: bytes) -> Plain:
    """The shortest such form of bytes."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def edited(files: dict[str, bytes], edits: list[Plain]) -> dict[str, bytes]:
    """Files with the bytes of some replaced: `remove` bytes from `at` on, and insert some there."""
    found = dict(files)
    for edit in edits:
        if "at" in edit:
            data, at = found.get(edit["file"], b""), edit["at"]
            found[edit["file"]] = data[:at] + content_of(edit) + data[at + edit["remove"] :]
    return found


class Workplace:
    """Folders with the valid bundles, in which each case is made and undone."""

    def __init__(self, bundles: dict[str, dict[str, bytes]]) -> None:
        self._bundles = bundles
        self._folder = tempfile.TemporaryDirectory(prefix="bundles-")
        self._root = Path(self._folder.name).resolve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    @contextmanager
    def edited(self, name: str, edits: list[Plain]) -> Iterator[Path]:
        """The folder of a bundle as a case has it."""
        root, files = self._root / name, self._bundles[name]
        if not root.exists():
            _write(root, files)
        paths = {edit["file"] for edit in edits}
        after = edited(files, edits)
        _write(root, {path: after[path] for path in paths if path in after})
        for edit in edits:
            if "do" in edit:
                _do(root, edit["do"], root / edit["file"])
        try:
            yield root
        finally:
            if any("do" in edit for edit in edits) or not paths <= files.keys():
                shutil.rmtree(root, ignore_errors=True)
            else:
                _write(root, {path: files[path] for path in paths})

    def outcome(self, reader: Reader, name: str, edits: list[Plain]) -> tuple[str | None, Plain]:
        """The code with which a reader refuses a bundle, or what it has read."""
        with self.edited(name, edits) as root:
            try:
                return None, reader.read(root)
            except RefusedError as error:
                return error.code, {}


def _write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def _do(root: Path, what: str, path: Path) -> None:
    """Remove a file or folder, or put a link or a folder in its place."""
    if what == "link":
        path.rename(root / "moved-away")
        path.symlink_to(root / "moved-away")
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    if what == "folder":
        path.mkdir()


def cases() -> Iterator[tuple[str, Case]]:
    """Every case with the name of its file."""
    for path in sorted(CASES.glob("*.json")):
        if path.stem != VALID:
            for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
                yield path.stem, case


def files_of(bundle: Plain) -> dict[str, bytes]:
    """The files of a valid bundle by path."""
    return {path: content_of(stored) for path, stored in bundle["files"].items()}


def valid_files() -> dict[str, dict[str, bytes]]:
    """The files of each valid bundle by path."""
    return {bundle["name"]: files_of(bundle) for bundle in valid_bundles()}


def failures(reader: Reader) -> Iterator[str]:
    """The cases that a reader gets wrong, each with what it said instead."""
    with Workplace(valid_files()) as place:
        for bundle in valid_bundles():
            code, read = place.outcome(reader, bundle["name"], [])
            if code is not None or read != bundle["read"]:
                yield f"{bundle['name']}: {code or read}"
        for name, case in cases():
            code, _ = place.outcome(reader, case["bundle"], case["edits"])
            if code != case["code"]:
                yield f"{name}, {case['name']}: {code} instead of {case['code']}"
