"""Drawn scenes of coloured shapes with their boxes: what a detector can learn in minutes.

Each image is one of four scenes (plain, dark, ruled paper, texture), so that there is something to
route by. Everything follows from the number of an image: the same Pillow draws the same pixels.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from mvmoe_deploy.training.augment import vary_scene
from mvmoe_deploy.training.datasets.contract import DataSet, Part

if TYPE_CHECKING:
    from mvmoe_deploy.models.model_config import ModelConfig

CLASSES = ("circle", "square", "triangle", "star", "cross")

SIDE = 96
"""Pixels of an image that is drawn for the data set."""

_PARTS: Mapping[Part, tuple[int, int]] = {
    "train": (0, 2000),
    "held-out": (1, 200),
    "test": (2, 400),
}
"""The seed of each split, and its images."""

_MOST = 6
"""Shapes of an image; there is at least one."""

_SMALLEST, _LARGEST = 0.11, 0.5
"""Of a shape the share of the image's side."""

_MOST_OVERLAP = 0.15
"""Of two shapes: what hides another one is drawn elsewhere."""

_TRIES = 20
"""Places that are tried for a shape, then it is left out."""

_FINER = 2
"""Drawn so many times as large, and averaged: edges are smooth."""

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]


class Scene(NamedTuple):
    """What is behind the shapes, and how they are drawn."""

    background: Callable[[int, np.random.Generator], np.ndarray]
    """Pixels `[S, S, 3]` (0 to 255, fp64) of a side S."""
    levels: tuple[int, int]
    """Of the shapes' channels, from and to."""
    filled: bool


class DrawnImages(NamedTuple):
    """Images `[N, S, S, 3]` (uint8), and their boxes `[N, M, 5]` (fp32) in shares of the image."""

    images: np.ndarray
    boxes: np.ndarray


def draw_shapes(count: int, side: int = SIDE, seed: int = 0) -> DrawnImages:
    """So many scenes; each depends on `seed`, its number and the side alone."""
    images = np.empty((count, side, side, 3), np.uint8)
    boxes = np.zeros((count, _MOST, 5), np.float32)
    boxes[:, :, 0] = -1
    for number in range(count):
        images[number], found = _scene(side, np.random.default_rng((seed, number)))
        boxes[number, : len(found)] = found
    return DrawnImages(images, boxes)


def _scene(side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One image, and its boxes `[M, 5]`."""
    scene = _SCENES[rng.integers(len(_SCENES))]
    fine = side * _FINER
    pixels = scene.background(fine, rng).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    boxes: list[tuple[float, ...]] = []
    for _ in range(rng.integers(1, _MOST + 1)):
        label, points = _placed(fine, boxes, rng)
        if points:
            colour = _colour(scene.levels, rng)
            draw.polygon(
                points,
                fill=colour if scene.filled else None,
                outline=colour,
                width=max(1, fine // 50),
            )
            boxes.append((label, *_box(points, fine)))
    return np.asarray(image.reduce(_FINER)), np.array(boxes, np.float32)


def _placed(
    fine: int, boxes: list[tuple[float, ...]], rng: np.random.Generator
) -> tuple[int, Points]:
    """A shape that hides none of the others; without points if there was no place."""
    label = int(rng.integers(len(CLASSES)))
    for _ in range(_TRIES):
        # Small ones are as frequent as large ones: by octaves, not by pixels.
        size = fine * _SMALLEST * (_LARGEST / _SMALLEST) ** rng.random()
        x, y = (size / 2 + rng.random() * (fine - size) for _ in "xy")
        turn = rng.uniform(-math.pi / 8, math.pi / 8)
        points = [
            (x + size / 2 * px, y + size / 2 * py) for px, py in _turned(_OUTLINES[label], turn)
        ]
        box = _box(points, fine)
        if all(_overlap(box, other[1:]) <= _MOST_OVERLAP for other in boxes):
            return label, points
    return label, []


def _turned(outline: Points, angle: float) -> Points:
    """An outline turned, and made to fill -1 to 1 in its longer direction."""
    cos, sin = math.cos(angle), math.sin(angle)
    turned = np.array([(cos * x - sin * y, sin * x + cos * y) for x, y in outline])
    low, high = turned.min(axis=0), turned.max(axis=0)
    fitted = (turned - (low + high) / 2) * (2 / (high - low).max())
    return [(float(x), float(y)) for x, y in fitted]


def _box(points: Points, fine: int) -> tuple[float, ...]:
    """Left, top, right and bottom in shares of the image."""
    x, y = zip(*points, strict=True)
    return tuple(min(max(edge / fine, 0.0), 1.0) for edge in (min(x), min(y), max(x), max(y)))


def _overlap(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    """What two boxes share, of the smaller one."""
    wide = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    tall = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
    return wide * tall / smaller


def _ring(corners: int, radii: tuple[float, ...]) -> Points:
    """Corners around the middle, their distances from it in turn."""
    angles = [2 * math.pi * corner / corners - math.pi / 2 for corner in range(corners)]
    return [
        (radii[i % len(radii)] * math.cos(angle), radii[i % len(radii)] * math.sin(angle))
        for i, angle in enumerate(angles)
    ]


_THIN = 0.33
_OUTLINES: tuple[Points, ...] = (
    _ring(48, (1.0,)),
    [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    _ring(3, (1.0,)),
    _ring(10, (1.0, 0.42)),
    [
        (-_THIN, -1), (_THIN, -1), (_THIN, -_THIN), (1, -_THIN), (1, _THIN), (_THIN, _THIN),
        (_THIN, 1), (-_THIN, 1), (-_THIN, _THIN), (-1, _THIN), (-1, -_THIN), (-_THIN, -_THIN),
    ],
)  # fmt: skip
"""Of the classes, in their order."""


def _colour(levels: tuple[int, int], rng: np.random.Generator) -> Colour:
    """A colour that is not grey: one channel is at the end of the range."""
    channels = rng.integers(*levels, size=3)
    channels[rng.integers(3)] = levels[rng.integers(2)]
    red, green, blue = map(int, channels)
    return red, green, blue


def _plain(side: int, rng: np.random.Generator) -> np.ndarray:
    """Light, a little brighter to one side."""
    ramp = np.linspace(-20, 20, side)[:, None, None] * rng.choice([-1.0, 1.0])
    return np.broadcast_to(rng.uniform(190, 245, 3) + ramp, (side, side, 3))


def _dark(side: int, rng: np.random.Generator) -> np.ndarray:
    """Dark, with grain."""
    return rng.uniform(5, 50, 3) + rng.normal(0, 6, (side, side, 1))


def _paper(side: int, rng: np.random.Generator) -> np.ndarray:
    """White, with thin blue lines."""
    pixels = np.full((side, side, 3), 250.0)
    pixels[int(rng.integers(1, side // 8)) :: side // 8] = (170, 190, 230)
    return pixels


def _texture(side: int, rng: np.random.Generator) -> np.ndarray:
    """Squares of greyish levels."""
    coarse = rng.uniform(90, 150, (16, 16, 1)) + rng.uniform(-12, 12, (16, 16, 3))
    places = np.arange(side) * 16 // side
    return np.asarray(coarse[places][:, places])


_SCENES = (
    Scene(_plain, (0, 150), filled=True),
    Scene(_dark, (100, 255), filled=True),
    Scene(_paper, (0, 120), filled=False),
    Scene(_texture, (0, 255), filled=True),
)


@cache
def _part(part: Part) -> DrawnImages:
    """A split, drawn once."""
    seed, count = _PARTS[part]
    return draw_shapes(count, seed=seed)


class Shapes:
    """The data set `shapes`."""

    classes = CLASSES
    kind = "boxes"
    preset = "shapes"
    recipe: Mapping[str, Any] = {
        "routings": ("end-to-end",),
        "dense_epochs": 40,
        "moe_epochs": 20,
        "batch_size": 32,
        "lr": 2e-3,
        "warmup": 0.1,
        "ema": 0.99,
        "balance_weight": 0.05,
        "threads": 1,
    }
    augment = staticmethod(vary_scene)

    def at(self, folder: Path) -> DataSet | None:
        """None: these images are no files."""
        return None

    def split(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """See `draw_shapes`."""
        drawn = _part(part)
        return drawn.images, drawn.boxes

    def suited_input(self, config: "ModelConfig") -> Mapping[str, Any]:
        """What the family of the model usually has."""
        return {}


PART = Shapes()
