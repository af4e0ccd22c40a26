#!/usr/bin/env python3
"""Checks how an APK lies: what a phone maps is stored, and begins where its pages do.

Google Play refuses apps for Android 15 whose 64-bit libraries do not load on pages of 16 KB.
Android 11 does not install an app whose `resources.arsc` is compressed or not aligned.
"""

import argparse
import struct
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PAGE = 16384
OLD_PAGE = 4096
"""Of phones that run 32-bit libraries."""
WORD = 4
MACHINES = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86": 3, "x86_64": 62, "riscv64": 243}
"""An ABI's `e_machine`."""
LOAD = 1
"""A program header's type: a part of the file that is mapped."""


class NotAnApkError(Exception):
    """The file is no APK; a sentence says what it is."""


@dataclass(frozen=True)
class ApkEntry:
    """An entry of an APK, and where its bytes begin."""

    name: str
    stored: bool
    size: int
    offset: int

    @property
    def abi(self) -> str | None:
        """Of a native library; else None."""
        parts = self.name.split("/")
        native = len(parts) == 3 and parts[0] == "lib" and parts[2].endswith(".so")
        return parts[1] if native else None


@dataclass(frozen=True)
class Segment:
    """A part of a library that is mapped."""

    offset: int
    address: int
    alignment: int


def entries(apk: Path) -> list[ApkEntry]:
    """What the APK holds, in the order of its directory."""
    try:
        with zipfile.ZipFile(apk) as archive, apk.open("rb") as file:
            return [
                ApkEntry(
                    info.filename,
                    info.compress_type == zipfile.ZIP_STORED,
                    info.file_size,
                    _data_offset(file, info.header_offset),
                )
                for info in archive.infolist()
            ]
    except zipfile.BadZipFile as error:
        raise NotAnApkError(
            f"{apk} is no APK ({error}): give a file that build-apk has written"
        ) from error


def _data_offset(file: BinaryIO, header: int) -> int:
    """Behind the local header, whose extra field is not that of the directory."""
    file.seek(header)
    magic, name, extra = struct.unpack("<4s22xHH", file.read(30))
    if magic != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"no entry begins at byte {header}")
    return header + 30 + int(name) + int(extra)


def segments(library: bytes) -> tuple[int, list[Segment]]:
    """The machine of an ELF file, and its segments that are loaded."""
    if len(library) < 64 or library[:4] != b"\x7fELF" or library[5] != 1:
        raise ValueError("is no ELF file of little-endian order")
    wide = library[4] == 2
    (machine,) = struct.unpack_from("<H", library, 18)
    start = struct.unpack_from("<Q" if wide else "<I", library, 32 if wide else 28)[0]
    size, count = struct.unpack_from("<HH", library, 54 if wide else 42)
    header = struct.Struct("<I4xQQ24xQ" if wide else "<III16xI")
    if count == 0 or size < header.size or start + size * count > len(library):
        raise ValueError("is cut off, or has no program headers")
    rows = (header.unpack_from(library, start + size * index) for index in range(count))
    return machine, [Segment(*row[1:]) for row in rows if row[0] == LOAD]


def problems(apk: Path) -> Iterator[str]:
    """One sentence for each thing that a phone would not take, or a store."""
    found = entries(apk)
    names = [entry.name for entry in found]
    yield from (f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1)
    for name in ("AndroidManifest.xml", "resources.arsc", "classes.dex"):
        if name not in names:
            yield f"{name} is missing"
    with zipfile.ZipFile(apk) as archive:
        for entry in found:
            if entry.abi is not None:
                yield from library_problems(entry, archive.read(entry.name))
            elif entry.name == "resources.arsc" and not entry.stored:
                yield "resources.arsc is compressed: Android 11 and later do not install it"
            elif entry.stored and entry.offset % WORD:
                yield f"{entry.name} begins at byte {entry.offset}, which is no multiple of {WORD}"


def library_problems(entry: ApkEntry, library: bytes) -> Iterator[str]:
    """What is wrong with a native library.

    The stores ask for pages of 16 KB of 64-bit libraries alone.
    """
    page = PAGE if entry.abi in ("arm64-v8a", "x86_64", "riscv64") else OLD_PAGE
    if not entry.stored:
        yield f"{entry.name} is compressed: with extractNativeLibs=false no phone can load it"
    elif entry.offset % page:
        yield f"{entry.name} begins at byte {entry.offset}, which is no multiple of {page}"
    try:
        machine, loaded = segments(library)
    except ValueError as error:
        yield f"{entry.name} {error}"
        return
    if entry.abi not in MACHINES:
        yield f"{entry.name} lies in a folder that is no ABI of Android's"
    elif machine != MACHINES[entry.abi]:
        yield f"{entry.name} is a library of another machine (ELF {machine}) than its folder says"
    for segment in loaded:
        yield from (f"{entry.name} {what}" for what in segment_problems(segment, page))


def segment_problems(segment: Segment, page: int) -> Iterator[str]:
    """Why a segment cannot be mapped on pages of this size."""
    if segment.alignment < page or segment.alignment % page:
        yield (
            f"has a LOAD segment that is aligned to {segment.alignment}, which is no multiple of"
            f" {page}: link it with -Wl,-z,max-page-size={page}"
        )
    elif (segment.address - segment.offset) % page:
        yield f"has a LOAD segment at {segment.offset:#x} that does not fit its address"


def main() -> int:
    """Run the program; gives its exit code."""
    parser = argparse.ArgumentParser(description="Check how an APK lies.")
    parser.add_argument("apk", type=Path)
    apk = parser.parse_args().apk
    try:
        found = list(problems(apk))
    except (NotAnApkError, OSError) as error:
        print(f"check_apk: {error}", file=sys.stderr)
        return 2
    for sentence in found:
        print(f"check_apk: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
