"""Augmentations: a decoded image and a random generator to pixels of the model's size.

Pillow and NumPy only. What follows is `preprocessing.normalize`, as at run time.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from mvmoe_deploy.preprocessing import Preprocessing, resize
from mvmoe_deploy.preprocessing.resizing import resample

Augmentation = Callable[[Image.Image, Preprocessing, np.random.Generator], np.ndarray]
"""`(image, spec, rng) -> pixels [H, W, C] uint8`, the same whenever `rng` has the same state."""

_DEGREES, _SHIFT, _SCALE = 8.0, 1 / 16, 0.08
"""Bounds of a digit's rotation, shift (as a share of its side) and relative change of size."""

_AREA, _RATIO, _JITTER = (0.25, 1.0), (3 / 4, 4 / 3), 0.2
"""Bounds of a photo's cropped area and aspect ratio, and of each change of colour."""

_FLIPPED = Image.Transpose.FLIP_LEFT_RIGHT


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one image in one epoch: nothing else decides how it is augmented."""
    return np.random.default_rng((seed, epoch, index))


def vary_digit(image: Image.Image, spec: Preprocessing, rng: np.random.Generator) -> np.ndarray:
    """A digit turned, shifted and scaled a little; never flipped: a 2 would become no digit."""
    angle, dx, dy, scale = rng.uniform(-1.0, 1.0, size=4)
    turn = math.radians(_DEGREES * angle)
    zoom = 1.0 / (1.0 + _SCALE * scale)
    cos, sin = zoom * math.cos(turn), zoom * math.sin(turn)
    # Pillow wants the map from output to input pixels; the centre stays, but for the shift.
    x, y = image.width / 2, image.height / 2
    left = x - cos * x - sin * y + _SHIFT * image.width * dx
    top = y + sin * x - cos * y + _SHIFT * image.height * dy
    moved = image.transform(
        image.size,
        Image.Transform.AFFINE,
        (cos, sin, left, -sin, cos, top),
        resample=Image.Resampling.BICUBIC,
    )
    return resize(moved, spec)


def vary_mirrored(image: Image.Image, spec: Preprocessing, rng: np.random.Generator) -> np.ndarray:
    """As `vary_digit`, and perhaps mirrored: for things that are as likely the other way round."""
    return vary_digit(image.transpose(_FLIPPED) if rng.random() < 0.5 else image, spec, rng)


def vary_photo(image: Image.Image, spec: Preprocessing, rng: np.random.Generator) -> np.ndarray:
    """A random part of a photo at the model's size, perhaps mirrored, its colours jittered."""
    box = _random_box(image.width, image.height, spec.width / spec.height, rng)
    part = resample(image, (spec.width, spec.height), spec.interpolation, box)
    if rng.random() < 0.5:
        part = part.transpose(_FLIPPED)
    part = _jitter(part, rng)
    pixels = np.asarray(part)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _random_box(
    width: int, height: int, shape: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """A window of random area, aspect ratio and place (Inception's crop, arXiv 1409.4842).

    A window that would reach over an edge is cut at it; it is not drawn again.
    """
    area = rng.uniform(*_AREA) * width * height
    low, high = map(math.log, _RATIO)
    ratio = shape * math.exp(rng.uniform(low, high))
    wide, tall = min(width, math.sqrt(area * ratio)), min(height, math.sqrt(area / ratio))
    left, top = rng.random() * (width - wide), rng.random() * (height - tall)
    return left, top, left + wide, top + tall


def _jitter(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast and, in colour, saturation, each changed by up to a fifth."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        factor = 1.0 + _JITTER * rng.uniform(-1.0, 1.0)
        if image.mode == "RGB" or enhance is not ImageEnhance.Color:
            image = enhance(image).enhance(factor)
    return image
