"""Resizing whose bytes do not depend on the Pillow that is installed, and where a crop lies.

Pillow resizes in two passes and rounds to 8 bits between them; which pass is first depends on its
version (python-pillow/Pillow#9549). Here a call makes one pass, so the order is always the same:
along the rows first. `docs/bundle.md`, *Preprocessing*, has the arithmetic to the last rounding.
"""

import math
from dataclasses import dataclass

from PIL import Image

from mvmoe_deploy.errors import ImageError

MAX_RESIZED_PIXELS = 100_000_000
"""No pass may make more pixels: of an image of 1 x 10,000 a crop would need gigabytes."""

MAX_SIDE = 1_000_000
"""Pillow holds about 50 bytes of coefficients for each pixel of a side."""

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Window:
    """The whole image is resized to `whole` (width, height); the input begins at `left`, `top`.

    Negative where the input reaches beyond the resized image.
    """

    whole: tuple[int, int]
    left: int
    top: int

    @classmethod
    def centred(cls, whole: tuple[int, int], size: tuple[int, int]) -> "Window":
        """The window of `size` in the middle, with torchvision's rounding of halves."""
        left, top = (_margin(*sides) for sides in zip(whole, size, strict=True))
        return cls(whole, left, top)


def _margin(whole: int, side: int) -> int:
    """Pixels before the window; of a negative number as many as padding adds before the image."""
    return round((whole - side) / 2) if whole >= side else -((side - whole) // 2)


def shorter_side_to(side: int, image: tuple[int, int]) -> tuple[int, int]:
    """torchvision's `Resize(side)`: the shorter side becomes `side`, the longer is rounded down."""
    width, height = image
    if width <= height:
        return side, side * height // width
    return side * width // height, side


def keeping_ratio(size: tuple[int, int], image: tuple[int, int], inside: bool) -> tuple[int, int]:
    """timm's `ResizeKeepRatio(size)`: the proportions stay, one side becomes that of `size`.

    `inside`: the other side is at most that of `size`; else at least.
    """
    ratios = [given / wanted for given, wanted in zip(image, size, strict=True)]
    ratio = max(ratios) if inside else min(ratios)
    width, height = (max(1, round(given / ratio)) for given in image)
    return width, height


def divided(size: tuple[int, int], fraction: float) -> tuple[int, int]:
    """timm's `scale_size`: each side divided by the crop fraction, rounded down."""
    return math.floor(size[0] / fraction), math.floor(size[1] / fraction)


def resample(
    image: Image.Image,
    size: tuple[int, int],
    interpolation: str,
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    """`image`, or its part `box`, at `size` (width, height): along the rows, then the columns.

    Raises ImageError if a pass would make too many pixels.
    """
    width = size[0]
    left, top, right, bottom = box or (0, 0, *image.size)
    _require_room(image.size, (width, image.height), size)
    filter_ = FILTERS[interpolation]
    wide = image.resize((width, image.height), filter_, box=(left, 0, right, image.height))
    return wide.resize(size, filter_, box=(0, top, width, bottom))


def cut(
    image: Image.Image,
    window: Window,
    size: tuple[int, int],
    interpolation: str,
    fill: tuple[int, ...],
) -> Image.Image:
    """The pixels of `size` (width, height) in `window` of the resized image, `fill` beyond it.

    The same bytes as resizing all of the image and cutting: columns that are cut away after the
    first pass take no part in the second. Raises ImageError as `resample` does.
    """
    require_cuttable(image.size, window, size)
    if image.size == size and window == Window(size, 0, 0):
        return image  # Pillow would copy it, twice: small images are cut more slowly than varied.
    width, height = size
    whole_width, whole_height = window.whole
    filter_ = FILTERS[interpolation]
    left, right = max(window.left, 0), min(window.left + width, whole_width)
    top, bottom = max(window.top, 0), min(window.top + height, whole_height)
    wide = image.resize((whole_width, image.height), filter_)
    wide = wide.crop((left, 0, right, image.height))
    tall = wide.resize((wide.width, whole_height), filter_).crop((0, top, wide.width, bottom))
    if tall.size == size:
        return tall
    background = Image.new(image.mode, size, fill if len(fill) > 1 else fill[0])
    background.paste(tall, (left - window.left, top - window.top))
    return background


def require_cuttable(image: tuple[int, int], window: Window, size: tuple[int, int]) -> None:
    """Refuse an image of this size (width, height) that `cut` would refuse; raises ImageError."""
    whole_width, whole_height = window.whole
    _require_room(image, (whole_width, image[1]), (min(size[0], whole_width), whole_height))


def _require_room(image: tuple[int, int], *passes: tuple[int, int]) -> None:
    """Refuse an image so long and narrow that resizing it takes gigabytes."""
    most = max(width * height for width, height in passes)
    if max(image) > MAX_SIDE or most > MAX_RESIZED_PIXELS:
        raise ImageError(
            f"an image of {image[0]} x {image[1]} pixels is too long and narrow to be "
            f"resized (to {most:,} pixels on the way, where at most {MAX_RESIZED_PIXELS:,} are "
            f"made, from sides of at most {MAX_SIDE:,}); crop it first",
            code="image.too-large",
        )
