"""What an image file may cost before anything of it is decoded, whatever Pillow's own limits are.

Pillow's limits belong to the process: an application, or another thread, may have lifted them. So
each file is held against the numbers here.
"""

import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image, ImageFile

from mvmoe_deploy.errors import ImageError

MAX_DECODED_BYTES = 2**29
"""Of an image while it is read: its pixels as Pillow holds them, and those that are made of them.

67 million pixels in colour; of grey ones the number of pixels is bounded before.
"""

MAX_TEXT_BYTES = 2**20
"""Of one packed text or colour profile beside the pixels of a PNG, unpacked."""

MAX_ALL_TEXT_BYTES = 2**26
"""Of all of them together."""

_MOST_CHUNKS = 1_000_000
"""Of a PNG: the largest that is read, in pieces of a kilobyte, has fewer."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PACKED = {b"zTXt", b"iTXt", b"iCCP"}

_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes of a pixel in Pillow's memory by mode; 4 in all others."""


def require_decodable(image: Image.Image, mode: str, name: str) -> None:
    """Refuse an image that would take too much memory on its way to `mode`; raises ImageError."""
    stored, wanted = (_STORED.get(each, 4) for each in (image.mode, mode))
    between = 1 if image.mode.startswith("I") else 0
    if image.mode == "P" and "transparency" in image.info:
        between = 4
    needed = image.width * image.height * (stored + between + wanted)
    if needed > MAX_DECODED_BYTES:
        raise ImageError(
            f"{name} has {image.width} x {image.height} pixels of mode {image.mode}, which take "
            f"{needed:,} bytes to decode; at most {MAX_DECODED_BYTES:,} are used: scale it down "
            "first",
            code="image.too-large",
            image=name.removeprefix("image "),
            found=needed,
            expected=MAX_DECODED_BYTES,
        )
    _require_tiles(image, name)


def require_whole_images(name: str) -> None:
    """Refuse to read files while Pillow is set to fill up truncated files; raises ImageError."""
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ImageError(
            f"{name} is not read while Pillow takes images that are cut off for whole ones; set "
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES to False",
            image=name.removeprefix("image "),
            found="LOAD_TRUNCATED_IMAGES",
        )


def require_small_texts(data: bytes, name: str) -> None:
    """Refuse a PNG whose texts or profile unpack to more than memory is for; raises ImageError."""
    total = 0
    for number, (kind, chunk) in enumerate(_chunks(data)):
        if number > _MOST_CHUNKS:
            raise ImageError(
                f"{name} has more than {_MOST_CHUNKS:,} parts; write it again",
                code="image.too-large",
                image=name.removeprefix("image "),
            )
        if kind in _PACKED:
            size = _unpacked_bytes(_packed(kind, bytes(chunk)))
            total += size
            if size > MAX_TEXT_BYTES or total > MAX_ALL_TEXT_BYTES:
                raise ImageError(
                    f"{name} holds more than {MAX_TEXT_BYTES:,} bytes of packed text or profile "
                    "beside its pixels; save it without metadata",
                    code="image.too-large",
                    image=name.removeprefix("image "),
                    expected=MAX_TEXT_BYTES,
                )


def _require_tiles(image: Image.Image, name: str) -> None:
    """Refuse a TIFF whose tiles are far larger than the image: each is decoded as a whole."""
    tags = getattr(image, "tag_v2", {})
    width, height = (
        tags.get(tag, 0) for tag in (ExifTags.Base.TileWidth, ExifTags.Base.TileLength)
    )
    if not (isinstance(width, int) and isinstance(height, int)):
        return
    if 8 * width * height > MAX_DECODED_BYTES:
        raise ImageError(
            f"{name} has tiles of {width} x {height} pixels, which take too much memory to decode; "
            "save it without tiles",
            code="image.too-large",
            image=name.removeprefix("image "),
        )


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The chunks of a PNG by their kind, as far as they are whole; nothing of other files."""
    place, view = len(_PNG), memoryview(data)
    if not data.startswith(_PNG):
        return
    while place + 8 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], view[place + 8 : place + 8 + size]
        place += 12 + size


def _packed(kind: bytes, chunk: bytes) -> bytes:
    """The packed part of a chunk, as the standard of PNG places it; nothing where none is."""
    _, _, rest = chunk.partition(b"\0")
    if kind != b"iTXt":
        return rest[1:]
    if not rest or rest[0] == 0:
        return b""
    *_, text = rest[2:].split(b"\0", 2)
    return text


def _unpacked_bytes(packed: bytes) -> int:
    """Bytes of a packed stream, or one more than is allowed; 0 for what is none."""
    try:
        return len(zlib.decompressobj().decompress(packed, MAX_TEXT_BYTES + 1))
    except zlib.error:
        return 0
