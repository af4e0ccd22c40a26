"""Augmentations: a decoded image and a random generator to pixels of the model's size.

Pillow and NumPy only. What follows is `preprocessing.normalize`, as at run time.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageEnhance

from mvmoe_deploy.preprocessing import Preprocessing, resize, transform_of
from mvmoe_deploy.preprocessing.resizing import resample


class Example(NamedTuple):
    """An image to learn from, as it comes into the model but for `normalize`."""

    pixels: np.ndarray
    """`[H, W, C]`, uint8."""
    label: np.ndarray
    """`[...]`, as the kind of labels has it; places are pixels of the input."""


class Augmentation(Protocol):
    """How an image is varied when it is learnt from."""

    def __call__(
        self, image: Image.Image, label: np.ndarray, spec: Preprocessing, rng: np.random.Generator
    ) -> Example:
        """The same whenever `rng` has the same state; places in `label` are shares of the image."""


_DEGREES, _SHIFT, _SCALE = 8.0, 1 / 16, 0.08
"""Bounds of a digit's rotation, shift (as a share of its side) and relative change of size."""

_AREA, _RATIO, _JITTER = (0.25, 1.0), (3 / 4, 4 / 3), 0.2
"""Bounds of a photo's cropped area and aspect ratio, and of each change of colour."""

_SHOWN_PART, _LEAST_SHOWN = 0.6, 0.4
"""Of a scene the least share of each side that is shown, and of a box the least of its area."""

_FLIPPED = Image.Transpose.FLIP_LEFT_RIGHT


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one image in one epoch: nothing else decides how it is augmented."""
    return np.random.default_rng((seed, epoch, index))


def vary_digit(
    image: Image.Image, label: np.ndarray, spec: Preprocessing, rng: np.random.Generator
) -> Example:
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
    return Example(resize(moved, spec), label)


def vary_mirrored(
    image: Image.Image, label: np.ndarray, spec: Preprocessing, rng: np.random.Generator
) -> Example:
    """As `vary_digit`, and perhaps mirrored: for things that are as likely the other way round."""
    turned = image.transpose(_FLIPPED) if rng.random() < 0.5 else image
    return vary_digit(turned, label, spec, rng)


def vary_photo(
    image: Image.Image, label: np.ndarray, spec: Preprocessing, rng: np.random.Generator
) -> Example:
    """A random part of a photo at the model's size, perhaps mirrored, its colours jittered."""
    box = _random_box(image.width, image.height, spec.width / spec.height, rng)
    part = resample(image, (spec.width, spec.height), spec.interpolation, box)
    if rng.random() < 0.5:
        part = part.transpose(_FLIPPED)
    part = _jitter(part, rng)
    pixels = np.asarray(part)
    return Example(pixels[:, :, None] if pixels.ndim == 2 else pixels, label)


def vary_scene(
    image: Image.Image, label: np.ndarray, spec: Preprocessing, rng: np.random.Generator
) -> Example:
    """Most of a scene with its boxes `[M, 5]`, perhaps mirrored, its colours jittered.

    A box of which less is shown than a share of its area is none any more; others are cut.
    """
    boxes = label.copy()
    if rng.random() < 0.5:
        image = image.transpose(_FLIPPED)
        boxes[:, [1, 3]] = 1 - boxes[:, [3, 1]]
    part = _part(image.size, rng)
    boxes[:, 1:] *= np.tile(image.size, 2)
    boxes = _cut_boxes(boxes, part)
    image = _jitter(image.crop(part), rng)
    boxes[:, 1:] = transform_of(image.size, spec).boxes_to_input(boxes[:, 1:])
    return Example(resize(image, spec), boxes)


def _part(size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a random part of an image, both its sides cut alike."""
    share = rng.uniform(_SHOWN_PART, 1.0)
    wide, tall = (max(1, round(share * side)) for side in size)
    left, top = (round(rng.random() * spare) for spare in (size[0] - wide, size[1] - tall))
    return left, top, left + wide, top + tall


def _cut_boxes(boxes: np.ndarray, part: tuple[int, int, int, int]) -> np.ndarray:
    """Boxes `[M, 5]` in pixels as a part of the image shows them, in its pixels."""
    low, high = np.array(part[:2]), np.array(part[2:])
    cut = boxes.copy()
    cut[:, 1:3] = np.clip(boxes[:, 1:3], low, high) - low
    cut[:, 3:5] = np.clip(boxes[:, 3:5], low, high) - low
    shown, whole = ((each[:, 3:5] - each[:, 1:3]).prod(axis=1) for each in (cut, boxes))
    cut[shown < _LEAST_SHOWN * whole, 0] = -1
    return cut


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
