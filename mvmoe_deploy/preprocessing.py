"""From an image to the array a model expects: one implementation, used in training and at run time.

Only NumPy and Pillow. What is done is written in `Preprocessing`, which travels in checkpoints and
manifests, so that another language can do the same (see `docs/bundle.md`).
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from mvmoe_deploy.colour import to_srgb
from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.image_limits import (
    require_decodable,
    require_small_texts,
    require_whole_images,
)
from mvmoe_deploy.limits import raise_if_limit
from mvmoe_deploy.resizing import (
    Window,
    cut,
    divided,
    keeping_ratio,
    require_cuttable,
    shorter_side_to,
)
from mvmoe_deploy.text import one_line

MAX_PIXELS = 100_000_000
"""Images with more pixels than this are refused before they are decoded."""

MAX_FILE_BYTES = 2**29
"""Larger files are refused unread: no image within `MAX_PIXELS` needs them."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""The image formats that are opened, and JPEG's MPO; every other decoder stays shut."""

_PIL_MODES = {"L": "L", "RGB": "RGB", "BGR": "RGB"}

_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""

_QUIET = threading.Lock()
"""Python's warning filters belong to the process: one thread at a time may change them."""

ImageLike = Image.Image | np.ndarray | str | Path

Origin = Literal["default", "checkpoint", "option"]
"""Who stated a field of an input: nobody, the checkpoint, or the person who exported."""

TrainedField = Literal[
    "channel_order", "resize", "crop_fraction", "resize_size", "interpolation", "mean", "std"
]
"""The fields of `Preprocessing` that belong to a model's training."""

Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Mean = Annotated[float, msgspec.Meta(ge=-1000, le=1000)]
Std = Annotated[float, msgspec.Meta(ge=1e-6, le=1000)]


class Preprocessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What turns an image into the model's input `[channels, height, width]`, fp32.

    1. Decode, apply the colour profile and the EXIF orientation, convert to `channel_order` (alpha
       is dropped, 16 bits a channel keep their high byte, an animation gives its first frame).
    2. `resize` names the rule. `timm`: timm's crop mode `center`, the shorter side becomes
       size / `crop_fraction` and the centre is cut out. `torchvision`: `Resize(resize_size)`, then
       `CenterCrop`. `squash`: both sides become size / `crop_fraction` whatever the proportions,
       then the centre. `border`: timm's crop mode `border`, the longer side becomes that, and what
       is missing is filled with `mean`.
    3. `x = pixel / 255`, then `(x - mean) / std` per channel.
    """

    height: Side
    width: Side
    channel_order: Literal["RGB", "BGR", "L"] = "RGB"
    resize: Literal["timm", "torchvision", "squash", "border"] = "timm"
    crop_fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    resize_size: Side | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bicubic"
    mean: tuple[Mean, ...] = (0.485, 0.456, 0.406)
    std: tuple[Std, ...] = (0.229, 0.224, 0.225)

    @property
    def channels(self) -> int:
        """Channels of the input: 1 for `L`, else 3."""
        return len(self.channel_order)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The input's shape without its batch: `(channels, height, width)`."""
        return self.channels, self.height, self.width

    def __post_init__(self) -> None:
        """Refuse statistics that do not fit the channels."""
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != self.channels or not np.isfinite(values).all():
                raise InputError(
                    f"{name} has {len(values)} values ({list(values[:8])}); channel order "
                    f"{self.channel_order} needs {self.channels} finite ones"
                )
        if min(self.std) <= 0:
            raise InputError(f"std {list(self.std)} must be above zero in every channel")
        self._require_rule()

    def _require_rule(self) -> None:
        """Refuse fields that the rule of `resize` does not read, and a size that would pad."""
        if self.resize != "torchvision":
            if self.resize_size is not None:
                raise InputError(
                    f"resize_size {self.resize_size} belongs to the rule torchvision; the rule "
                    f"{self.resize} reads crop_fraction"
                )
            return
        largest = max(self.height, self.width)
        if self.resize_size is None or self.crop_fraction != 1:
            raise InputError(
                "the rule torchvision reads resize_size (the pixels of the shorter side after "
                f"resizing), not crop_fraction; {self.resize_size} and {self.crop_fraction} were "
                "given"
            )
        if self.resize_size < largest:
            raise InputError(
                f"resize_size {self.resize_size} is smaller than the input; expected at least "
                f"{largest}"
            )


def open_image(source: ImageLike, mode: str = "RGB") -> Image.Image:
    """The image of a path, a PIL image or a uint8 array `[H, W]` or `[H, W, C]`, as 8-bit `mode`.

    A file, and a PIL image as `Image.open` gave it, is turned upright by its EXIF orientation and
    converted to sRGB by its colour profile. Pixels that somebody has worked on are taken as they
    are: an array, and a PIL image that any operation (`transpose`, `convert`, `copy`) has given.

    Raises ImageError with the name of what could not be read.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source).convert(mode)
    if isinstance(source, Image.Image):
        with _decoding("the PIL image"):
            return _decode(source, "the PIL image", mode)
    if not isinstance(source, str | Path):
        raise ImageError(
            f"an image cannot be a {type(source).__name__}; give a path, a PIL image or a uint8 "
            "array"
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


def preprocess(source: ImageLike, spec: Preprocessing, out: np.ndarray | None = None) -> np.ndarray:
    """The model's input `[C, H, W]` (fp32) for one image, written into `out` when given.

    Raises ImageError when the image cannot be read, InputError when `out` is no fp32 `[C, H, W]`.
    """
    image = open_image(source, _PIL_MODES[spec.channel_order])
    return normalize(resize(image, spec), spec, out)


def resize(image: Image.Image, spec: Preprocessing) -> np.ndarray:
    """The pixels `[H, W, C]` (uint8) after step 2 of `Preprocessing`, channels as decoded.

    Raises ImageError for an image so long and narrow that a pass would make 100 million pixels.
    """
    size = (spec.width, spec.height)
    image = cut(image, window_of(image.size, spec), size, spec.interpolation, _fill(spec))
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def require_resizable(size: tuple[int, int], spec: Preprocessing) -> None:
    """Refuse a size (width, height) that `resize` would refuse; raises ImageError."""
    require_cuttable(size, window_of(size, spec), (spec.width, spec.height))


def normalize(pixels: np.ndarray, spec: Preprocessing, out: np.ndarray | None = None) -> np.ndarray:
    """Pixels `[H, W, C]` (uint8) as the model's input `[C, H, W]` (fp32), into `out` when given.

    One multiplication and one addition a value, `pixel * 1 / (255 std) - mean / std`: the form
    that image inputs of engines (a scale and a bias) can repeat. Raises InputError for another
    shape or type.
    """
    _require_array(pixels, (spec.height, spec.width, spec.channels), np.uint8, "the pixels")
    std = np.asarray(spec.std, dtype=np.float64)
    scale = (1.0 / (255.0 * std)).astype(np.float32)[:, None, None]
    bias = (-np.asarray(spec.mean) / std).astype(np.float32)[:, None, None]
    if spec.channel_order == "BGR":
        pixels = pixels[:, :, ::-1]
    out = np.empty(spec.shape, dtype=np.float32) if out is None else out
    _require_array(out, spec.shape, np.float32, "the output")
    np.multiply(pixels.transpose(2, 0, 1), scale, out=out)
    np.add(out, bias, out=out)
    return out


def window_of(image: tuple[int, int], spec: Preprocessing) -> Window:
    """What an image of this size (width, height) is resized to, and where the input lies in it."""
    size = (spec.width, spec.height)
    scaled = divided(size, spec.crop_fraction)
    if spec.resize == "torchvision":
        whole = shorter_side_to(spec.resize_size or max(size), image)
    elif spec.resize == "squash":
        whole = scaled
    elif spec.resize == "border":
        whole = keeping_ratio(scaled, image, inside=True)
    elif spec.width == spec.height:
        whole = shorter_side_to(scaled[0], image)
    else:
        whole = keeping_ratio(scaled, image, inside=False)
    return Window.centred(whole, size)


def _fill(spec: Preprocessing) -> tuple[int, ...]:
    """The colour around an image that does not fill the input, channels as decoded."""
    levels = tuple(min(max(round(255 * mean), 0), 255) for mean in spec.mean)
    return levels[::-1] if spec.channel_order == "BGR" else levels


def read_image_file(path: Path) -> bytes:
    """The bytes of a regular file of a size that an image can have; raises ImageError."""
    try:
        if path.exists() and not path.is_file():
            raise ImageError(f"image {path} is not a file; give the path of an image file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(
                f"image {path} has {path.stat().st_size:,} bytes; at most {MAX_FILE_BYTES:,} are "
                "read: scale it down first"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise_if_limit(error, f"image {path} cannot be read")
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"image {path} cannot be read ({reason}); give the path of an image file"
        ) from error


def _identify(data: bytes, name: str) -> Image.Image:
    """The image whose header the bytes begin with; raises ImageError if there is none."""
    require_whole_images(name)
    require_small_texts(data, name)
    try:
        return _open_quietly(data)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is damaged or none of {', '.join(FORMATS)} ({len(data)} bytes); convert it "
            "first"
        ) from error


def _open_quietly(data: bytes) -> Image.Image:
    """Read an image's header without the warnings that Pillow has for large or odd ones.

    The lock covers the header alone: decoding is what takes time, and threads do it side by side.
    """
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(data), formats=FORMATS)


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises over damaged bytes into one sentence."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        limit = min(MAX_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS))
        raise ImageError(
            f"{name} is too large; at most {limit:,} pixels are read: scale it down first"
        ) from error
    except Exception as error:  # decoders fed with damaged bytes raise nearly every class
        raise_if_limit(error, f"{name} cannot be decoded")
        raise ImageError(
            f"{name} is damaged or cut off ({one_line(error, 200)}); write it again or leave it out"
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
    # of the file, but its class tells that somebody has worked on it.
    as_opened = isinstance(image, ImageFile.ImageFile)
    orientation = _orientation(image) if as_opened else None
    profile = image.info.get("icc_profile") if as_opened else None
    upright = _convert(to_srgb(_to_8_bit(image, name), profile, name), name, mode)
    if close:
        image.close()
    return upright.transpose(orientation) if orientation is not None else upright


def _require_pixels(width: int, height: int, name: str) -> None:
    """Refuse an image with none or too many pixels."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} has {width} x {height} pixels; at most {MAX_PIXELS:,} are read: scale it "
            "down first"
        )
    if width == 0 or height == 0:
        raise ImageError(f"{name} has no pixels; give an image of at least 1 x 1")


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """What puts the image upright; EXIF data that cannot be read says nothing."""
    try:
        return _ORIENTATIONS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # the pixels are whole: damage beside them does not matter
        return None


def _require_pillow_reads(image: Image.Image, name: str) -> None:
    """Refuse a TIFF that Pillow decodes to other pixels: 16 bits, unpacked, a plane a channel."""
    tags = getattr(image, "tag_v2", {})
    planes = tags.get(ExifTags.Base.PlanarConfiguration) == 2
    wide = max(tags.get(ExifTags.Base.BitsPerSample, (8,))) > 8
    raw = any(tile[0] == "raw" for tile in getattr(image, "tile", ()))
    if planes and wide and raw:
        raise ImageError(
            f"{name} has 16-bit samples in one plane for each channel; save it with the channels "
            "of a pixel side by side, or compressed"
        )


def _to_8_bit(image: Image.Image, name: str) -> Image.Image:
    """An image whose samples have 8 bits; 16-bit grey keeps its high byte."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in _GREY_16):
        return _high_bytes(image)
    if image.mode in ("I", "F"):
        kind = "floating-point" if image.mode == "F" else "32-bit"
        raise ImageError(f"{name} has {kind} samples; save it with 8 or 16 bits a channel")
    if image.mode == "LAB":
        raise ImageError(
            f"{name} has the colour mode LAB, whose white may be any; save it as RGB first"
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
            f"{name} has the colour mode {image.mode}, which is not read; save it as {mode} first"
        ) from error


def _require_array(array: np.ndarray, shape: tuple[int, ...], dtype: type, what: str) -> None:
    """Refuse an array of another shape or type; raises InputError."""
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"{what} must be {np.dtype(dtype).name} of shape {list(shape)}, not {array.dtype} of "
            f"shape {list(array.shape)}"
        )


def _from_array(array: np.ndarray) -> Image.Image:
    """A PIL image of a uint8 array `[H, W]` or `[H, W, C]`."""
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in (1, 3, 4) or array.size == 0:
        raise ImageError(
            f"an array of shape {list(array.shape)} and type {array.dtype} is not an image; "
            "expected uint8 [H, W] or [H, W, C] with 1, 3 or 4 channels"
        )
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise ImageError(
            f"an array of {array.shape[1]} x {array.shape[0]} pixels is too large; at most "
            f"{MAX_PIXELS:,} are read: scale it down first"
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and channels == 1 else array)
