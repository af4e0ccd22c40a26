"""Whether image files can be read: found out before long work begins. No PyTorch here.

A file is read whole, its header is checked, and its end shows whether it was cut off. It is
decoded only where that says too little, or where the caller asks for it.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import (
    Preprocessing,
    decode_image,
    read_header,
    read_image_file,
    require_resizable,
    resize,
)

_PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"})
"""Modes that are read whatever their pixels are."""

_NAMED = 3
"""Unreadable files that a message names; of the others it says how many there are."""

_CHUNK = 64
"""Files that a thread takes at a time."""

_END_OF_JPEG = b"\xff\xd9"


class Task(NamedTuple):
    """A file to check; one with the hash `known` was found readable before."""

    path: Path
    decode: bool = False
    """Whether its pixels are checked too, whatever its header says."""
    known: str | None = None
    spec: Preprocessing | None = None
    """What it is to become; some sizes cannot be resized to it."""


class Screened(NamedTuple):
    """What was found of one file; without an `error` it can be read."""

    bytes: int
    sha256: str
    error: str | None


def screen(task: Task) -> Screened:
    """Check one image file."""
    try:
        data = read_image_file(task.path)
    except ImageError as error:
        return Screened(0, "", str(error))
    sha256 = hashlib.sha256(data).hexdigest()
    known = sha256 == task.known
    return Screened(len(data), sha256, None if known else _problem(data, task))


def screen_all(tasks: Sequence[Task], threads: int, step: Callable[[int], None]) -> list[Screened]:
    """Check files on `threads` threads, in order.

    `step` is called, on the calling thread, with the number of files that were done. Pillow, the
    file system and the hash work without Python's lock, so that threads do work side by side.
    """

    def several(start: int) -> list[Screened]:
        return [screen(task) for task in tasks[start : start + _CHUNK]]

    found: list[Screened] = []
    pool = ThreadPoolExecutor(max_workers=max(1, threads))
    try:
        for part in pool.map(several, range(0, len(tasks), _CHUNK)):
            found += part
            step(len(part))
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def usable_threads(asked: int = 0) -> int:
    """Threads to check files on: as many as asked for, or one a core up to four.

    Each may hold a decoded image of the largest size that is read.
    """
    return asked or min(4, os.cpu_count() or 1)


def require_readable(errors: Sequence[tuple[str, str]], of: int) -> None:
    """Refuse files that cannot be read, all in one sentence; raises ImageError.

    `errors` has the name of each and what is wrong with it, `of` is how many files were checked.
    """
    if len(errors) == 1:
        raise ImageError(errors[0][1], image=errors[0][0], found=1)
    if errors:
        raise ImageError(
            f"{len(errors):,} of {of:,} images cannot be read ({first_names(errors)}); repair or "
            f"remove them; of the first: {errors[0][1]}",
            image=errors[0][0],
            found=len(errors),
        )


def first_names(errors: Sequence[tuple[str, str]]) -> str:
    """The names of the first few files, and how many more there are."""
    names = ", ".join(name for name, _ in errors[:_NAMED])
    return names + (f" and {len(errors) - _NAMED:,} more" if len(errors) > _NAMED else "")


def _problem(data: bytes, task: Task) -> str | None:
    """Why an image cannot be read, or not be resized; None if it can."""
    name = f"image {task.path}"
    try:
        image = read_header(data, name, _mode(task.spec))
        # `_is_whole` comes last: it may take the image apart.
        if task.decode or not _is_resizable(image, task.spec) or not _is_whole(image, data):
            _decode(data, name, task.spec)
    except ImageError as error:
        message = str(error)
        return message if message.startswith(name) else f"{name}: {message}"
    return None


def _decode(data: bytes, name: str, spec: Preprocessing | None) -> None:
    """Decode an image, and resize it if it is known to what; raises ImageError."""
    if spec is None:
        decode_image(data, name)
    else:
        resize(decode_image(data, name, _mode(spec)), spec)


def _mode(spec: Preprocessing | None) -> str:
    """What an image is decoded to."""
    return "L" if spec is not None and spec.channels == 1 else "RGB"


def _is_resizable(image: Image.Image, spec: Preprocessing | None) -> bool:
    """Whether an image can be resized, upright or lying; False where only trying can say."""
    if spec is None:
        return True
    try:
        require_resizable(image.size, spec)
        require_resizable(image.size[::-1], spec)
    except ImageError:
        return False
    return True


def _is_whole(image: Image.Image, data: bytes) -> bool:
    """Whether the file's structure shows that nothing is missing; False where it cannot say."""
    if image.mode not in _PLAIN_MODES:
        return False
    if image.format in ("JPEG", "MPO"):
        # Some cameras and servers append a few bytes; what cuts a file off removes the marker.
        return data[-64:].rstrip(b"\0\r\n ").endswith(_END_OF_JPEG)
    if image.format == "PNG":
        return _has_sound_chunks(image)
    if image.format == "WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return False


def _has_sound_chunks(image: Image.Image) -> bool:
    """Whether all chunks of a PNG are there with their checksums."""
    try:
        image.verify()
    except Exception:  # Pillow raises nearly every class over damaged bytes; decoding will say.
        return False
    return True
