"""Where the input's pixels lie in the photograph, so that what a model finds can be drawn on it."""

from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.errors import InputError


@dataclass(frozen=True)
class InputTransform:
    """How an upright image became the input, in whole numbers of pixels.

    All of the `image` (width, height) was resized to `resized`; the input begins at column `left`
    and row `top` of that, which are negative where padding comes first. Coordinates are those of
    edges: the first pixel reaches from 0 to 1, an image from 0 to its width. So a place x of the
    input is `(x + left) * width / resized_width` in the image, and no scale is rounded. `input` is
    the size (width, height) of the input.
    """

    image: tuple[int, int]
    resized: tuple[int, int]
    left: int
    top: int
    input: tuple[int, int]

    def points_to_image(self, points: np.ndarray) -> np.ndarray:
        """Points `[N, 2]` (x, y) of the input as those of the upright image, in fp64.

        Raises InputError for another shape.
        """
        found = _columns(points, 2)
        self._move(found)
        return found

    def boxes_to_image(self, boxes: np.ndarray, *, clip: bool = True) -> np.ndarray:
        """Boxes `[N, 4]` (left, top, right, bottom) of the input as those of the upright image.

        In fp64; with `clip` cut to the image, since a detector's box may reach into the padding.
        Raises InputError for another shape.
        """
        found = _columns(boxes, 4)
        self._move(found)
        if clip:
            np.clip(found, 0.0, np.array([*self.image, *self.image], np.float64), out=found)
        return found

    def boxes_to_input(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes `[N, 4]` of the upright image as those of the input, in fp64; not cut to it.

        Raises InputError for another shape.
        """
        found = _columns(boxes, 4)
        found *= np.tile(np.array(self.resized, np.float64) / np.array(self.image, np.float64), 2)
        found -= np.array([self.left, self.top] * 2, np.float64)
        return found

    def cells_of_image(self, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """For each column and row of the image, that of a grid over the input: int64, -1 outside.

        The `grid` has (columns, rows) of equal cells; the one is meant that the middle of the
        pixel lies in.
        """
        sides = zip(self.image, self.resized, (self.left, self.top), self.input, grid, strict=True)
        columns, rows = (_cells(*side) for side in sides)
        return columns, rows

    def _move(self, places: np.ndarray) -> None:
        """Places `[N, 2 or 4]`, x and y in turn, in place: add, multiply, divide, in this order."""
        corners = places.reshape(len(places), places.shape[1] // 2, 2)
        corners += np.array([self.left, self.top], np.float64)
        corners *= np.array(self.image, np.float64)
        corners /= np.array(self.resized, np.float64)


def _cells(image: int, resized: int, first: int, size: int, cells: int) -> np.ndarray:
    """The cell of each of an image's columns, or rows, in whole numbers throughout."""
    middles = (2 * np.arange(image) + 1) * resized - 2 * image * first
    found = middles * cells // (2 * image * size)
    return np.where((found >= 0) & (found < cells), found, -1)


def _columns(places: np.ndarray, count: int) -> np.ndarray:
    """A copy in fp64 of an array `[N, count]`; raises InputError for another shape."""
    given = np.asarray(places)
    if given.ndim != 2 or given.shape[1] != count or given.dtype.kind not in "fiu":
        raise InputError(
            f"the places are {given.dtype} of shape {list(given.shape)}; expected numbers of shape "
            f"[N, {count}]",
            code="input.shape",
            expected=[None, count],
            found=list(given.shape),
        )
    return given.astype(np.float64, order="C")
