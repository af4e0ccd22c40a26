"""An image of 8 bits a channel, upright and in sRGB, from a file, a PIL image or an array."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from mvmoe_deploy.errors import ImageError, MissingExtraError
from mvmoe_deploy.preprocessing.buffers import PixelBuffer
from mvmoe_deploy.preprocessing.colour import to_srgb
from mvmoe_deploy.preprocessing.heif import HEIF_SUFFIXES, is_heif, open_heif
from mvmoe_deploy.preprocessing.image_limits import (
    require_decodable,
    require_small_texts,
    require_whole_images,
)
from mvmoe_deploy.preprocessing.orientation import ORIENTATIONS, upright
from mvmoe_deploy.system.limits import raise_if_limit
from mvmoe_deploy.system.silence import without_warnings
from mvmoe_deploy.text import one_line

MAX_PIXELS = 100_000_000
"""Images with more pixels than this are refused before they are decoded."""

MAX_FILE_BYTES = 2**29
"""Larger files are refused unread: no image within `MAX_PIXELS` needs them."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The image formats that are opened, and JPEG's MPO; beside them HEIF alone (`heif.py`)."""

IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    *HEIF_SUFFIXES,
)
"""What names of images end in, in a directory that may hold other files too."""

ImageLike = Image.Image | np.ndarray | str | Path | PixelBuffer


def open_image(source: ImageLike, mode: str = "RGB") -> Image.Image:
    """The image of a path, a PIL image, a uint8 array `[H, W]` or `[H, W, C]`, or a pixel buffer.

    The result is of 8-bit `mode`. A file, and a PIL image as `Image.open` gave it, is turned
    upright by its EXIF orientation and converted to sRGB by its colour profile. Pixels that
    were processed after that are used as they are: those of an array, and of a PIL image that any
    operation (`transpose`, `convert`, `copy`) has given. A buffer is turned by the orientation that
    it states.

    Raises ImageError with the name of what could not be read, MissingExtraError for HEIF without
    the package that reads it.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source).convert(mode)
    if isinstance(source, PixelBuffer):
        _require_pixels(source.width, source.height, "the pixel buffer")
        return source.image().convert(mode)
    if isinstance(source, Image.Image):
        with _decoding("the PIL image"):
            return _decode(source, "the PIL image", mode)
    if not isinstance(source, str | Path):
        raise ImageError(
            f"an image cannot be a {type(source).__name__}; give a path, a PIL image or a uint8 "
            "array, or a PixelBuffer",
            code="image.type",
        )
    path = Path(source)
    return decode_image(read_image_file(path), f"image {path}", mode)


def decode_image(data: bytes, name: str, mode: str = "RGB") -> Image.Image:
    """The image in a file's bytes as 8-bit `mode`; raises ImageError that calls it `name`."""
    with _decoding(name), _identify(data, name) as image:
        return _decode(image, name, mode, close=True)


def read_header(data: bytes, name: str, mode: str = "RGB") -> Image.Image:
    """The image in a file's bytes with its format, size and mode known, but not decoded.

    Raises ImageError, which calls it `name`, for what its header alone makes unreadable.
    """
    with _decoding(name):
        image = _identify(data, name)
        _require_pixels(image.width, image.height, name)
        require_decodable(image, mode, name)
        return image


def read_image_file(path: Path) -> bytes:
    """The bytes of a regular file of a size that an image can have; raises ImageError."""
    try:
        if path.exists() and not path.is_file():
            raise ImageError(
                f"image {path} is not a file; give the path of an image file",
                code="image.unreadable",
                image=str(path),
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(
                f"image {path} has {path.stat().st_size:,} bytes; at most {MAX_FILE_BYTES:,} are "
                "read: scale it down first",
                code="image.too-large",
                image=str(path),
                found=path.stat().st_size,
                expected=MAX_FILE_BYTES,
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise_if_limit(error, f"image {path} cannot be read")
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"image {path} cannot be read ({reason}); give the path of an image file",
            code="image.unreadable",
            image=str(path),
        ) from error


def _identify(data: bytes, name: str) -> Image.Image:
    """The image whose header the bytes begin with; raises ImageError if there is none."""
    require_whole_images(name)
    require_small_texts(data, name)
    if is_heif(data):
        return open_heif(data, name)
    try:
        return _open_without_warnings(data)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is damaged or none of {', '.join(FORMATS)} ({len(data)} bytes); convert it "
            "first",
            code="image.damaged",
            image=name.removeprefix("image "),
        ) from error


def _open_without_warnings(data: bytes) -> Image.Image:
    """Read an image's header without the warnings that Pillow has for large or odd ones."""
    with without_warnings():
        return Image.open(io.BytesIO(data), formats=FORMATS)


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises over damaged bytes into one sentence."""
    try:
        yield
    except (ImageError, MissingExtraError):
        raise
    except Image.DecompressionBombError as error:
        limit = min(MAX_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS))
        raise ImageError(
            f"{name} is too large; at most {limit:,} pixels are read: scale it down first",
            code="image.too-large",
            image=name.removeprefix("image "),
            expected=limit,
        ) from error
    except Exception as error:  # decoders fed with damaged bytes raise nearly every class
        raise_if_limit(error, f"{name} cannot be decoded")
        raise ImageError(
            f"{name} is damaged or cut off ({one_line(error, 200)}); write it again or leave it "
            "out",
            code="image.damaged",
            image=name.removeprefix("image "),
        ) from error


def _decode(image: Image.Image, name: str, mode: str, *, close: bool = False) -> Image.Image:
    """Decode, orient and convert one PIL image; with `close` its own pixels are freed then."""
    _require_pixels(image.width, image.height, name)
    require_decodable(image, mode, name)
    _require_pillow_reads(image, name)
    image.load()
    # A frame can be larger than the header said.
    _require_pixels(image.width, image.height, name)
    # What Pillow derives from an opened image (turned, converted, copied) still carries the tags
    # of the file, but its class shows that it was processed.
    as_opened = isinstance(image, ImageFile.ImageFile)
    orientation = _orientation(image) if as_opened else 1
    profile = image.info.get("icc_profile") if as_opened else None
    converted = _convert(to_srgb(_to_8_bit(image, name), profile, name), name, mode)
    if close:
        image.close()
    return upright(converted, orientation)


def _require_pixels(width: int, height: int, name: str) -> None:
    """Refuse an image with none or too many pixels."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} has {width} x {height} pixels; at most {MAX_PIXELS:,} are read: scale it "
            "down first",
            code="image.too-large",
            image=name.removeprefix("image "),
            found=width * height,
            expected=MAX_PIXELS,
        )
    if width == 0 or height == 0:
        raise ImageError(
            f"{name} has no pixels; give an image of at least 1 x 1",
            code="image.type",
            image=name.removeprefix("image "),
        )


def _orientation(image: Image.Image) -> int:
    """How the image is stored; EXIF data that cannot be read says nothing."""
    try:
        orientation: int = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation if orientation in ORIENTATIONS else 1
    except Exception:  # the pixels are whole: damage beside them does not matter
        return 1


def _require_pillow_reads(image: Image.Image, name: str) -> None:
    """Refuse a TIFF that Pillow decodes to other pixels: 16 bits, unpacked, a plane a channel."""
    tags = getattr(image, "tag_v2", {})
    planes = tags.get(ExifTags.Base.PlanarConfiguration) == 2
    wide = max(tags.get(ExifTags.Base.BitsPerSample, (8,))) > 8
    raw = any(tile[0] == "raw" for tile in getattr(image, "tile", ()))
    if planes and wide and raw:
        raise ImageError(
            f"{name} has 16-bit samples in one plane for each channel; save it with the channels "
            "of a pixel side by side, or compressed",
            code="image.unsupported-samples",
            image=name.removeprefix("image "),
        )


def _to_8_bit(image: Image.Image, name: str) -> Image.Image:
    """An image whose samples have 8 bits; 16-bit grey keeps its high byte."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in _GREY_16):
        return _high_bytes(image)
    if image.mode in ("I", "F"):
        kind = "floating-point" if image.mode == "F" else "32-bit"
        raise ImageError(
            f"{name} has {kind} samples; save it with 8 or 16 bits a channel",
            code="image.unsupported-samples",
            image=name.removeprefix("image "),
            found=kind,
        )
    if image.mode == "LAB":
        raise ImageError(
            f"{name} has the colour mode LAB, whose white may be any; save it as RGB first",
            code="image.unsupported-samples",
            image=name.removeprefix("image "),
            found=image.mode,
        )
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _high_bytes(image: Image.Image) -> Image.Image:
    """16-bit grey with 8 bits, some rows at a time: NumPy's temporaries are wide."""
    samples = np.asarray(image)
    grey = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), _ROWS):
        rows = samples[start : start + _ROWS].astype(np.int64).clip(0, 65535)
        grey[start : start + _ROWS] = _full_range(rows, image) >> 8
    return Image.fromarray(grey)


def _full_range(samples: np.ndarray, image: Image.Image) -> np.ndarray:
    """16-bit samples from black 0 to white 65535; Pillow leaves those of some TIFF files alone."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(ExifTags.Base.BitsPerSample, (16,))[0]
    samples = samples << (16 - bits) if 8 < bits < 16 else samples
    white_is_zero = tags.get(ExifTags.Base.PhotometricInterpretation) == 0
    return 65535 - samples if white_is_zero else samples


_ROWS = 64
"""Rows of 16-bit samples that are converted at a time."""

_GREY_16 = ("PNG", "PPM")
"""The formats whose 16-bit grey Pillow holds as 32-bit integers in some of its versions."""


def _convert(image: Image.Image, name: str, mode: str) -> Image.Image:
    """The image in `mode`; not every colour space can be converted without a profile."""
    if image.mode == mode and not isinstance(image, ImageFile.ImageFile):
        return image
    try:
        return image.convert(mode)
    except ValueError as error:
        raise ImageError(
            f"{name} has the colour mode {image.mode}, which is not read; save it as {mode} first",
            code="image.unsupported-samples",
            image=name.removeprefix("image "),
            found=image.mode,
        ) from error


def _from_array(array: np.ndarray) -> Image.Image:
    """A PIL image of a uint8 array `[H, W]` or `[H, W, C]`."""
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in (1, 3, 4) or array.size == 0:
        raise ImageError(
            f"an array of shape {list(array.shape)} and type {array.dtype} is not an image; "
            "expected uint8 [H, W] or [H, W, C] with 1, 3 or 4 channels",
            code="image.type",
        )
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise ImageError(
            f"an array of {array.shape[1]} x {array.shape[0]} pixels is too large; at most "
            f"{MAX_PIXELS:,} are read: scale it down first",
            code="image.too-large",
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and channels == 1 else array)
