#!/usr/bin/env python3
"""Puts an APK together, not yet signed: what aapt2 has linked, classes, libraries and assets.

Android's own packers do the same, but Debian's `zipalign` knows no pages of 16 KB. What a phone
maps as it lies is stored, and begins at a multiple of its page; equal inputs give equal bytes.
"""

import argparse
import contextlib
import io
import os
import shutil
import signal
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

PAGE = 16384
"""Of the newest phones; a multiple of the 4096 of all others."""
WORD = 4
"""What `resources.arsc` must begin at a multiple of, and everything else that is stored may."""
STORED_SUFFIXES = (".bin", ".data", ".npy", ".onnx", ".pte", ".safetensors")
"""Of assets that hardly shrink; Gradle's `noCompress` is the same."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell."""

ALIGNMENT_FIELD = 0xD935
"""The extra field that apksigner keeps alignment by: the multiple, then zeros."""
LOCAL_HEADER = 30
"""Bytes of a zip's local header, before the name."""


class PackingError(Exception):
    """What was given, what was expected, what to do."""


class Content(Protocol):
    """Where the bytes of an entry come from."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """The bytes, from the first one."""


@dataclass(frozen=True)
class FileContent:
    """The bytes of a file."""

    path: Path

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """The bytes, from the first one."""
        return self.path.open("rb")


@dataclass(frozen=True)
class BytesContent:
    """Bytes that are in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """The bytes, from the first one."""
        return contextlib.closing(io.BytesIO(self.data))


@dataclass(frozen=True)
class Entry:
    """One file of an APK; `alignment` is None where it is compressed."""

    name: str
    content: Content
    alignment: int | None = None


def linked_entries(base: Path) -> Iterator[Entry]:
    """The manifest and the resources, as aapt2 has linked them."""
    with zipfile.ZipFile(base) as archive:
        for info in archive.infolist():
            stored = info.compress_type == zipfile.ZIP_STORED
            content = BytesContent(archive.read(info))
            yield Entry(info.filename, content, WORD if stored else None)


def dex_entries(folder: Path) -> Iterator[Entry]:
    """`classes.dex`, `classes2.dex`, ...; R8 leaves other files beside them."""
    paths = sorted(folder.glob("classes*.dex"))
    if not paths:
        raise PackingError(
            f"{folder} holds no classes.dex: give the folder that R8 or D8 has written"
        )
    yield from (Entry(path.name, FileContent(path)) for path in paths)


def native_entries(folder: Path) -> Iterator[Entry]:
    """The libraries of a folder with one folder for each ABI."""
    paths = sorted(folder.glob("*/lib*.so"))
    if not paths:
        raise PackingError(
            f"{folder} holds no native library: give a folder with ABI/lib*.so,"
            " such as arm64-v8a/libonnxruntime.so"
        )
    for path in paths:
        yield Entry(f"lib/{path.parent.name}/{path.name}", FileContent(path), PAGE)


def asset_entries(folder: Path) -> Iterator[Entry]:
    """All files below a folder, but hidden ones."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            stored = path.name.endswith(STORED_SUFFIXES)
            name = "/".join(("assets", *parts))
            yield Entry(name, FileContent(path), WORD if stored else None)


def service_entries(sources: list[Path]) -> Iterator[Entry]:
    """The lists that Java's ServiceLoader reads, of jars and of folders; one list for each service.

    Coroutines find the main thread by one of them.
    """
    lines: dict[str, dict[str, None]] = {}
    for source in sources:
        for name, text in _services(source):
            lines.setdefault(name, {}).update(dict.fromkeys(text.split("\n")))
    for name, found in sorted(lines.items()):
        text = "".join(f"{line}\n" for line in found if line)
        yield Entry(name, BytesContent(text.encode()))


def _services(source: Path) -> Iterator[tuple[str, str]]:
    prefix = "META-INF/services/"
    if source.is_dir():
        for path in sorted((source / prefix).glob("*")):
            yield prefix + path.name, path.read_text()
        return
    with zipfile.ZipFile(source) as jar:
        for name in sorted(jar.namelist()):
            if name.startswith(prefix) and name != prefix:
                yield name, jar.read(name).decode()


def write_apk(entries: list[Entry], target: Path) -> None:
    """Write an APK, which appears whole or not at all."""
    names = [entry.name for entry in entries]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PackingError(f"{min(twice)} comes from two places: give it once")
    with _whole_file(target) as file, zipfile.ZipFile(file, "w") as apk:
        for entry in sorted(entries, key=_order):
            _write(apk, file, entry)


def _order(entry: Entry) -> tuple[bool, str]:
    """The manifest first, as everywhere."""
    return entry.name != "AndroidManifest.xml", entry.name


@contextlib.contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    """A new file beside the target, which takes its place when all is written."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(apk: zipfile.ZipFile, file: BinaryIO, entry: Entry) -> None:
    info = zipfile.ZipInfo(entry.name, EPOCH)
    info.create_system = 0  # Else the zip tells on which system it was made.
    info.file_size = entry.content.size
    if entry.alignment is None:
        info.compress_type = zipfile.ZIP_DEFLATED
    else:
        header = file.tell() + LOCAL_HEADER + len(entry.name.encode())
        info.extra = alignment_field(header, entry.alignment)
    with entry.content.open() as source, apk.open(info, "w") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    info.extra = b""  # The directory at the end needs no padding.


def alignment_field(position: int, alignment: int) -> bytes:
    """An extra field that begins at `position`, and after which the data is aligned."""
    field = struct.Struct("<HHH")
    padding = -(position + field.size) % alignment
    return field.pack(ALIGNMENT_FIELD, 2 + padding, alignment) + bytes(padding)


def entries_of(options: argparse.Namespace) -> list[Entry]:
    """All that the command line names."""
    entries = [*linked_entries(options.base), *dex_entries(options.dex)]
    if options.jni:
        entries += native_entries(options.jni)
    if options.assets:
        entries += asset_entries(options.assets)
    return [*entries, *service_entries(options.services)]


def command_line() -> argparse.ArgumentParser:
    """What the program takes."""
    parser = argparse.ArgumentParser(description="Put an APK together; apksigner signs it.")
    parser.add_argument("--base", type=Path, required=True, help="the APK that aapt2 has linked")
    parser.add_argument("--dex", type=Path, required=True, help="a folder with classes*.dex")
    parser.add_argument("--jni", type=Path, help="a folder with ABI/lib*.so")
    parser.add_argument("--assets", type=Path, help="a folder of assets")
    parser.add_argument(
        "--services",
        type=Path,
        nargs="*",
        default=[],
        help="jars or folders with META-INF/services",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the APK to write")
    return parser


def main() -> int:
    """Run the program; gives its exit code."""
    options = command_line().parse_args()
    # Else it ends the process at once, and the half APK stays.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        write_apk(entries_of(options), options.output)
    except (PackingError, OSError, zipfile.BadZipFile) as error:
        print(f"pack_apk: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
