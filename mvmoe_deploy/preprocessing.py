"""From an image to the array a model expects: one implementation, used in training and at run time.

Only NumPy and Pillow. What is done is written in `Preprocessing`, which travels in checkpoints and
manifests, so that another language can do the same (see `docs/bundle.md`).
"""

import io
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mvmoe_deploy.errors import ImageError, InputError

MAX_PIXELS = 100_000_000
"""Images with more pixels than this are refused before they are decoded."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "MPO")
"""The image formats that are opened; every other decoder stays shut."""

_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_PIL_MODES = {"L": "L", "RGB": "RGB", "BGR": "RGB"}

ImageLike = Image.Image | np.ndarray | str | Path

Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]


class Preprocessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What turns an image into the model's input `[channels, height, width]`, fp32.

    1. Decode, apply the EXIF orientation, convert to `channel_order` (alpha is dropped, 16-bit
       grey keeps its high byte, an animation gives its first frame).
    2. `resize`: `squash` to height x width; or `crop`, which resizes until both sides reach
       size / `crop_fraction` and cuts the centre out. Both with Pillow's antialiased
       `interpolation`.
    3. `x = pixel / 255`, then `(x - mean) / std` per channel.
    """

    height: Side
    width: Side
    channel_order: Literal["RGB", "BGR", "L"] = "RGB"
    resize: Literal["squash", "crop"] = "crop"
    crop_fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bicubic"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

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
                raise ValueError(
                    f"{name} has {len(values)} values ({list(values)}); channel order "
                    f"{self.channel_order} needs {self.channels} finite ones"
                )
        if min(self.std) <= 0:
            raise ValueError(f"std {list(self.std)} must be above zero in every channel")


def open_image(source: ImageLike, mode: str = "RGB") -> Image.Image:
    """The image of a path, a PIL image or a uint8 array `[H, W]` or `[H, W, C]`, as 8-bit `mode`.

    Raises ImageError with the name of what could not be read.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source).convert(mode)
    if isinstance(source, Image.Image):
        return _decode(source, "the PIL image", mode)
    path = Path(source)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"image {path} cannot be read ({error.strerror}); give the path of an image file"
        ) from error
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _decode(image, f"image {path}", mode)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"image {path} is none of {', '.join(FORMATS)} ({len(data)} bytes); convert it first"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"image {path} is too large: {error}; scale it down first") from error


def preprocess(source: ImageLike, spec: Preprocessing, out: np.ndarray | None = None) -> np.ndarray:
    """The model's input `[C, H, W]` (fp32) for one image, written into `out` when given.

    Raises ImageError when the image cannot be read.
    """
    image = open_image(source, _PIL_MODES[spec.channel_order])
    return normalize(resize(image, spec), spec, out)


def resize(image: Image.Image, spec: Preprocessing) -> np.ndarray:
    """The pixels `[H, W, C]` (uint8) after step 2 of `Preprocessing`, channels as decoded."""
    filter_ = _INTERPOLATIONS[spec.interpolation]
    size = (spec.width, spec.height)
    if spec.resize == "squash":
        image = image if image.size == size else image.resize(size, filter_)
    else:
        image = _resize_and_crop(image, spec, filter_)
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def normalize(pixels: np.ndarray, spec: Preprocessing, out: np.ndarray | None = None) -> np.ndarray:
    """Pixels `[H, W, C]` (uint8) as the model's input `[C, H, W]` (fp32), into `out` when given.

    One multiplication and one addition a value, `pixel * 1 / (255 std) - mean / std`: the form
    that image inputs of engines (a scale and a bias) can repeat.
    """
    std = np.asarray(spec.std, dtype=np.float64)
    scale = (1.0 / (255.0 * std)).astype(np.float32)[:, None, None]
    bias = (-np.asarray(spec.mean) / std).astype(np.float32)[:, None, None]
    if spec.channel_order == "BGR":
        pixels = pixels[:, :, ::-1]
    out = np.empty(spec.shape, dtype=np.float32) if out is None else out
    np.multiply(pixels.transpose(2, 0, 1), scale, out=out, casting="unsafe")
    np.add(out, bias, out=out)
    return out


def _resize_and_crop(
    image: Image.Image, spec: Preprocessing, filter_: Image.Resampling
) -> Image.Image:
    """Resize so that both sides reach size / crop_fraction, then cut the centre out."""
    scale = max(spec.width / image.width, spec.height / image.height) / spec.crop_fraction
    width = max(spec.width, round(image.width * scale))
    height = max(spec.height, round(image.height * scale))
    left, top = (width - spec.width) // 2, (height - spec.height) // 2
    # The window is mapped back to the source and resized in one go: resizing all of a 1 x 10000
    # image first would make a picture of gigabytes only to cut most of it away.
    box = (
        left * image.width / width,
        top * image.height / height,
        (left + spec.width) * image.width / width,
        (top + spec.height) * image.height / height,
    )
    return image.resize((spec.width, spec.height), filter_, box=box)


def _decode(image: Image.Image, name: str, mode: str) -> Image.Image:
    """Decode, orient and convert one PIL image."""
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"{name} has {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read: "
            "scale it down first"
        )
    if image.width == 0 or image.height == 0:
        raise ImageError(f"{name} has no pixels; give an image of at least 1 x 1")
    try:
        oriented = ImageOps.exif_transpose(image)
        return _to_8_bit(oriented, name).convert(mode)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise ImageError(
            f"{name} is damaged or cut off ({error}); write it again or leave it out"
        ) from error


def _to_8_bit(image: Image.Image, name: str) -> Image.Image:
    """An image whose samples have 8 bits; 16-bit grey keeps its high byte."""
    if image.mode == "F":
        raise ImageError(f"{name} has floating-point samples; save it with 8 or 16 bits a channel")
    if image.mode == "I" or image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.int64)
        if samples.min() < 0 or samples.max() > 65535:
            raise ImageError(f"{name} has samples beyond 16 bits; save it with 8 or 16 bits")
        return Image.fromarray((samples >> 8).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")
    return image


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
