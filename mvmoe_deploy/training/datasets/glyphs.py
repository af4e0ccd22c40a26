"""Letters of eight scripts, drawn from matplotlib's fonts: 96 classes of 28 x 28 pixels.

The script of a letter is its natural super-class. Letters of one script that look alike stay, since
a model is to confuse them; a letter that looks the same in two scripts is a class of neither: of
the Latin A, the Greek Alpha and the Cyrillic A only the first is one. "The same" is measured, by
the test of this module: outlines scaled to one box that overlap by 96% or more in any of the faces.

The fonts are DejaVu (free to use and to distribute; their licence lies beside them). Each image is
one letter in a random face of those that have its script, of random size, place, rotation, ink and
paper, with noise. Pillow draws it by FreeType, without shaping: an Arabic letter has its isolated
form. Everything follows from one seed.
"""

import importlib.util
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.training.augment import vary_digit
from mvmoe_deploy.training.datasets.contract import DataSet, Part

_SANS = ("DejaVuSans", "DejaVuSans-Bold")
_SLANTED = ("DejaVuSans-Oblique",)
_MONO = ("DejaVuSansMono", "DejaVuSansMono-Bold")
_SERIF = ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic")
_ALL = (*_SANS, *_SLANTED, *_MONO, *_SERIF)


class Script(NamedTuple):
    """A script: its letters that are classes, and the faces that have all of them."""

    name: str
    letters: str
    faces: tuple[str, ...]


SCRIPTS = (
    Script("Latin", "ABEGKMRSaegt", _ALL),
    Script("Greek", "ΓΔΞΣΦΨΩαβλξφ", _ALL),
    Script("Cyrillic", "БДЖЗЛЦЧШЫЭЮЯ", _ALL),
    Script("Armenian", "ԱԲԳԴԵԶԷԸԹԺԽԾ", _ALL),
    Script("Georgian", "აბგდევთკლნრს", _ALL),
    Script("Hebrew", "אבגדהזטלמעצש", (*_SANS, *_SLANTED)),
    Script("Arabic", "بتجخدرسشطعكه", (*_SANS, *_MONO)),
    Script("Lao", "ກຂຄງຈຊຍຕທນຜມ", (*_SANS, *_SLANTED, *_MONO)),
)

SIDE = 28
"""Pixels along each side of an image."""

_IMAGES: Mapping[Part, int] = {"train": 200, "held-out": 25, "test": 50}
"""Images of each class."""

_SEED = 20_260_101
"""Fixed: a split belongs to the data, not to a run."""

_SIZES = (17, 19, 21, 23)
"""Sizes of letters in pixels, of the em square."""

_DEGREES = 12.0
"""The largest rotation, either way."""

_CANVAS = 48
"""Side in pixels of what a letter is drawn on before it is turned and placed."""

_PAPER, _INK, _NOISE = (0.0, 70.0), (90.0, 180.0), (4.0, 20.0)
"""Bounds of the level of the paper, of how much brighter ink is, and of the noise's deviation."""


class Glyphs:
    """The data set `glyphs`."""

    kind = "logits"
    preset = "fashion_mnist"  # of images of the same size
    recipe: Mapping[str, Any] = {
        "dense_epochs": 10,
        "moe_epochs": 5,
        "batch_size": 128,
        "lr": 2e-3,
        "warmup": 0.1,
        "ema": 0.99,
        "threads": 1,
    }
    augment = staticmethod(vary_digit)

    @property
    def classes(self) -> tuple[str, ...]:
        """A script and a letter of it, such as `Greek Γ`."""
        return tuple(f"{script.name} {letter}" for script in SCRIPTS for letter in script.letters)

    @property
    def groups(self) -> tuple[str, ...]:
        """The script of each class."""
        return tuple(script.name for script in SCRIPTS for _ in script.letters)

    def at(self, folder: Path) -> DataSet | None:
        """None: these images are no files."""
        return None

    def split(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """See `DataSet`; raises MissingExtraError without matplotlib, whose fonts they are."""
        if part not in (names := get_args(Part)):
            raise InputError(f"split {part!r} is unknown; glyphs has {', '.join(names)}")
        return _drawn(part, _IMAGES[part])

    def suited_input(self, config: ModelConfig) -> Mapping[str, Any]:
        """Whole images, with mean and deviation of the training images."""
        channels = config.in_channels
        return {"resize": "squash", "mean": (0.1903,) * channels, "std": (0.1614,) * channels}


@cache
def _drawn(part: Part, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Images `[N, 28, 28]` and labels `[N]`, `each` of every class in random order."""
    rng = np.random.default_rng((_SEED, list(_IMAGES).index(part)))
    letters = [(letter, script.faces) for script in SCRIPTS for letter in script.letters]
    labels = rng.permutation(np.repeat(np.arange(len(letters)), each))
    images = np.empty((len(labels), SIDE, SIDE), dtype=np.uint8)
    for row, label in enumerate(labels):
        letter, faces = letters[label]
        images[row] = _image(letter, faces, rng)
    return images, labels.astype(np.int64)


def _image(letter: str, faces: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """One image `[28, 28]` (uint8) of a letter."""
    face, size = faces[rng.integers(len(faces))], _SIZES[rng.integers(len(_SIZES))]
    shape = np.asarray(_placed(_stamp(letter, face, size), rng), dtype=np.float64) / 255
    paper, ink, noise = (rng.uniform(*bounds) for bounds in (_PAPER, _INK, _NOISE))
    levels = paper + ink * shape + noise * rng.standard_normal(shape.shape)
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def _placed(stamp: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A letter turned about its middle, and put where all of it is inside, if there is room."""
    turn = math.radians(rng.uniform(-_DEGREES, _DEGREES))
    cos, sin = math.cos(turn), math.sin(turn)
    left, top, right, bottom = stamp.getbbox() or (0, 0, *stamp.size)
    wide, high = right - left, bottom - top
    # Half of the box around what was turned.
    half_x = (abs(cos) * wide + abs(sin) * high) / 2
    half_y = (abs(sin) * wide + abs(cos) * high) / 2
    x, y = (_middle(half, rng) for half in (half_x, half_y))
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    # Pillow wants the map from output to input pixels.
    return stamp.transform(
        (SIDE, SIDE),
        Image.Transform.AFFINE,
        (cos, sin, middle_x - cos * x - sin * y, -sin, cos, middle_y + sin * x - cos * y),
        resample=Image.Resampling.BILINEAR,
    )


def _middle(half: float, rng: np.random.Generator) -> float:
    """Where the middle of something lies that reaches so far to either side."""
    low, high = sorted((half, SIDE - half))
    return rng.uniform(low, high)


@cache
def _stamp(letter: str, face: str, size: int) -> Image.Image:
    """A letter drawn in the middle of a canvas, white on black."""
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    middle = (_CANVAS // 2, _CANVAS // 2)
    ImageDraw.Draw(canvas).text(middle, letter, fill=255, font=_font(face, size), anchor="mm")
    return canvas


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    """A face at a size in pixels, laid out without shaping, which not every Pillow has."""
    path = font_folder() / f"{face}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def font_folder() -> Path:
    """Where matplotlib keeps its fonts; it is not imported. Raises MissingExtraError without it."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError.of("matplotlib, which ships the fonts of the glyphs,", "train")
    return Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


PART = Glyphs()
