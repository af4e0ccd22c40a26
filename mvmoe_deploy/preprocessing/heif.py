"""Photos in HEIF (.heic, .heif), as phones take them: read where the extra `heif` is installed.

pillow-heif is asked for such a file alone, and is not registered with Pillow, which would change
what other code of the process opens.
"""

import io

from PIL import Image

from mvmoe_deploy.errors import MissingExtraError

HEIF_SUFFIXES = (".heic", ".heif")

_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
"""ISO/IEC 23008-12: HEVC in HEIF, and HEIF of any codec."""

_AVIF = frozenset((b"avif", b"avis"))
"""Files with AV1 pictures may begin with a brand of any codec, and name these beside it."""

_MOST_BRANDS = 64


def is_heif(data: bytes) -> bool:
    """Whether a file's bytes begin as HEIF does, of another codec than AV1."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 4 * _MOST_BRANDS, len(data))
    beside = {data[place : place + 4] for place in range(16, end, 4)}
    return data[8:12] in _BRANDS and not (beside & _AVIF)


def open_heif(data: bytes, name: str) -> Image.Image:
    """The image whose header the bytes are, not decoded; upright as it is decoded.

    Raises MissingExtraError, which calls it `name`, without pillow-heif, and what that raises over
    damaged bytes.
    """
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        what = f"{name} is in HEIF, but pillow-heif, which reads it,"
        raise MissingExtraError.from_import(error, what, "heif") from error
    image: Image.Image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return image
