"""A frame of a camera, or any other pixels in memory, with all that is needed to read them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing.buffers.chroma420 import interleaved, separate
from mvmoe_deploy.preprocessing.buffers.contract import BufferFormat
from mvmoe_deploy.preprocessing.buffers.packed import Packed
from mvmoe_deploy.preprocessing.buffers.plane import Plane
from mvmoe_deploy.preprocessing.buffers.yuv import COLOURS, MATRICES, RANGES
from mvmoe_deploy.preprocessing.orientation import ORIENTATIONS, upright
from mvmoe_deploy.text import quoted

FORMATS: dict[str, BufferFormat] = {
    "L": Packed(1, (0,)),
    "RGB": Packed(3, (0, 1, 2)),
    "RGBA": Packed(4, (0, 1, 2)),
    "BGRA": Packed(4, (2, 1, 0)),
    "NV12": interleaved(u=0, v=1),
    "NV21": interleaved(u=1, v=0),
    "YUV420": separate(),
}
"""Every format by its name."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PixelBuffer:
    """Pixels of `width` x `height` in memory, as they lie there; `Dispatcher.predict` takes it.

    | `format` | planes |
    |---|---|
    | `L`, `RGB`, `RGBA`, `BGRA` | one; alpha is dropped |
    | `NV12`, `NV21` | luma, and chroma in pairs (U first, V first) |
    | `YUV420` | luma, U, V: the three planes of Android's `ImageProxy` |

    Luma and chroma need the `matrix` (`bt601`, `bt709`) and the `value_range` (`full`: 0 to 255,
    `video`: 16 to 235) that the camera states; the other formats have none. `orientation` is that
    of EXIF, 1 to 8, and is applied before anything else: a phone that says "rotate clockwise by 90,
    180, 270 degrees" means 6, 3, 8. The sizes are those before it.

    Nothing is copied: the planes must stay as they are until the answer is there.
    Raises ImageError for what is no such buffer.
    """

    format: str
    width: int
    height: int
    planes: Sequence[Plane]
    matrix: str | None = None
    value_range: str | None = None
    orientation: int = 1

    def __post_init__(self) -> None:
        """Refuse a buffer that cannot be read."""
        self._require_known("format", self.format, FORMATS)
        self._require_known("orientation", self.orientation, ORIENTATIONS)
        if FORMATS[self.format].is_yuv:
            self._require_known("matrix", self.matrix, MATRICES)
            self._require_known("value range", self.value_range, RANGES)
        elif (self.matrix, self.value_range) != (None, None):
            raise self._error(
                f"has a matrix or a value range ({self.matrix}, {self.value_range}), and the "
                "format has no luma and chroma; leave them out"
            )
        self._require_size()
        self._views()

    def image(self) -> Image.Image:
        """The pixels, upright, as an image of mode `L` or `RGB`."""
        colour = COLOURS.get((self.matrix or "", self.value_range or ""))
        pixels = FORMATS[self.format].pixels(self._views(), colour)
        grey = pixels.shape[2] == 1
        return upright(Image.fromarray(pixels[:, :, 0] if grey else pixels), self.orientation)

    def _views(self) -> list[np.ndarray]:
        """The planes as arrays `[h, w, samples]`."""
        layouts = FORMATS[self.format].layouts
        if len(self.planes) != len(layouts):
            names = ", ".join(layout.name for layout in layouts)
            raise self._error(
                f"has {len(self.planes)} planes; expected {len(layouts)} ({names}): give these"
            )
        return [
            plane.samples(layout.size(self.width, self.height), layout.samples, layout.name)
            for plane, layout in zip(self.planes, layouts, strict=True)
        ]

    def _require_size(self) -> None:
        """Refuse sides that no image has, and odd ones where chroma is shared by 2 x 2 pixels."""
        step = 2 if FORMATS[self.format].is_yuv else 1
        for side in (self.width, self.height):
            if not isinstance(side, int) or side < 1 or side % step:
                even = "even whole" if step == 2 else "whole"
                raise ImageError(
                    f"a buffer of format {self.format} has {self.width!r} x {self.height!r} "
                    f"pixels; expected {even} numbers above 0: give the sizes of its luma or pixel "
                    "plane",
                    code="image.buffer-size",
                )

    def _require_known(self, what: str, value: object, known: Iterable[object]) -> None:
        if value not in list(known):
            words = "none" if value is None else quoted(str(value))
            raise self._error(
                f"has the {what} {words}; expected one of {', '.join(map(str, known))}"
            )

    def _error(self, words: str) -> ImageError:
        """The error for a buffer of which `words` are true."""
        return ImageError(
            f"a buffer of format {quoted(str(self.format))} {words}", code="image.buffer-format"
        )
