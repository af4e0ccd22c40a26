"""From an image to the array that a model expects, by a `Preprocessing`."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.decoding import ImageLike, open_image
from mvmoe_deploy.preprocessing.input_transform import InputTransform
from mvmoe_deploy.preprocessing.resizing import Window, cut, require_cuttable
from mvmoe_deploy.preprocessing.spec import Preprocessing

_PIL_MODES = {"L": "L", "RGB": "RGB", "BGR": "RGB"}


class PreparedInput(NamedTuple):
    """A model's input, and the way back."""

    values: np.ndarray
    """`[C, H, W]`, fp32."""
    transform: InputTransform
    """From the input's pixels to those of the upright image."""


def preprocess(source: ImageLike, spec: Preprocessing, out: np.ndarray | None = None) -> np.ndarray:
    """The model's input `[C, H, W]` (fp32) for one image, written into `out` when given.

    Raises ImageError when the image cannot be read, InputError when `out` is no fp32 `[C, H, W]`.
    """
    return prepare(source, spec, out).values


def prepare(source: ImageLike, spec: Preprocessing, out: np.ndarray | None = None) -> PreparedInput:
    """As `preprocess`, with the transform that takes boxes back to the upright image."""
    image = decode(source, spec)
    return PreparedInput(normalize(resize(image, spec), spec, out), transform_of(image.size, spec))


def decode(source: ImageLike, spec: Preprocessing) -> Image.Image:
    """The upright image in the colours that `spec` begins with; raises ImageError."""
    return open_image(source, _PIL_MODES[spec.channel_order])


def resize(image: Image.Image, spec: Preprocessing) -> np.ndarray:
    """The pixels `[H, W, C]` (uint8) after step 2 of `Preprocessing`, channels as decoded.

    Raises ImageError for an image so long and narrow that a pass would make 100 million pixels.
    """
    size = (spec.width, spec.height)
    image = cut(image, window_of(image.size, spec), size, spec.interpolation, spec.rule.fill(spec))
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
    return spec.rule.window(image, spec)


def transform_of(image: tuple[int, int], spec: Preprocessing) -> InputTransform:
    """The way back from the input to an upright image of this size (width, height)."""
    window = window_of(image, spec)
    size = (spec.width, spec.height)
    return InputTransform(image, window.whole, window.left, window.top, size)


def _require_array(array: np.ndarray, shape: tuple[int, ...], dtype: type, what: str) -> None:
    """Refuse an array of another shape or type; raises InputError."""
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"{what} must be {np.dtype(dtype).name} of shape {list(shape)}, not {array.dtype} of "
            f"shape {list(array.shape)}",
            code="input.shape",
            expected=list(shape),
            found=list(array.shape),
        )
