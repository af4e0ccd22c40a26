"""Output kind `map`: numbers for each place of the image, such as depth or an enhanced image."""

from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.outputs.contract import Labels, OutputKind, Table
from mvmoe_deploy.outputs.numbers import Numbers, numbers_of, table_of

if TYPE_CHECKING:
    from PIL import Image

    from mvmoe_deploy.preprocessing.input_transform import InputTransform

_COLOURS = 3


class Map(OutputKind):
    """Channels over the input `[C, H, W]`, judged by their errors alone."""

    name = "map"
    form = "[C, H, W]"
    has_picture = True

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Channels, rows and columns."""
        return len(shape) == 3

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Numbers:
        """A few figures."""
        return numbers_of(value)

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """A few figures."""
        return table_of(numbers_of(value))

    def picture(
        self,
        value: np.ndarray,
        labels: Labels,
        image: "Image.Image",
        transform: "InputTransform",
    ) -> "Image.Image":
        """Three channels as RGB, others as grey by the largest of their channels; `[H, W]` pixels.

        Values of RGB that are all in 0..1 are levels; all others are stretched from the least to
        the largest. What is not finite is black.
        """
        from PIL import Image

        finite = np.isfinite(value)
        exact = np.where(finite, value.astype(np.float64), np.inf)
        if len(value) != _COLOURS:
            exact = np.where(finite, exact, -np.inf).max(axis=0)
        levels = _levels(exact, as_they_are=len(value) == _COLOURS)
        return Image.fromarray(levels.transpose(1, 2, 0) if levels.ndim == 3 else levels)


def _levels(values: np.ndarray, *, as_they_are: bool) -> np.ndarray:
    """Values as levels from 0 to 255 (uint8), 0 where one is not finite."""
    known = values[np.isfinite(values)]
    least, largest = (known.min(), known.max()) if known.size else (0.0, 0.0)
    if as_they_are and least >= 0 and largest <= 1:
        least, largest = 0.0, 1.0
    span = largest - least if largest > least else 1.0
    shares = np.where(np.isfinite(values), (values - least) / span, 0.0)
    levels: np.ndarray = np.rint(255 * shares).astype(np.uint8)
    return levels


PART = Map()
