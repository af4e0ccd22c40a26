"""Output kind `mask`: a class for each place of the image."""

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mvmoe_deploy.outputs.contract import (
    ALL_COUNT,
    Decisions,
    Labels,
    OutputKind,
    Table,
    class_margins,
    finite_images,
    label_of,
)
from mvmoe_deploy.outputs.palette import colour_of

if TYPE_CHECKING:
    from PIL import Image

    from mvmoe_deploy.bundle.manifest import Bounds
    from mvmoe_deploy.preprocessing.input_transform import InputTransform

_OUTSIDE = 255
"""The index of pixels that the input does not reach; classes from here on have it too."""


class ClassShare(msgspec.Struct, frozen=True, kw_only=True):
    """A class, and the share of the pixels that have it."""

    label: str
    index: int
    share: float


class MaskData(msgspec.Struct, frozen=True, kw_only=True):
    """The classes that some pixel has, in their order; of one class the foreground."""

    classes: tuple[ClassShare, ...]


class Mask(OutputKind):
    """Logits `[K, H, W]` of K classes for each place; of one class those of the foreground.

    A pixel has the class with the highest logit, of equal ones the lowest; with K = 1 it is
    foreground where the logit is above 0.
    """

    name = "mask"
    form = "[K, H, W]"
    measure = "share of pixels with the same class"
    heading = "same pixels"
    has_picture = True

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Classes, rows and columns."""
        return len(shape) == 3

    def classes(self, shape: tuple[int, ...]) -> int:
        """K; a single one is the foreground's."""
        return shape[0]

    def agreement(
        self, given: np.ndarray, wanted: np.ndarray, limit: float = ALL_COUNT
    ) -> Decisions:
        """The share of the pixels with the same class; a margin is that to the second best.

        With K = 1 it is the distance of the logit from 0.
        """
        pairs = [_same(ours, theirs, limit) for ours, theirs in zip(given, wanted, strict=True)]
        finite = finite_images(given, wanted)
        shares = np.array([share if share is not None else 1.0 for share in pairs], np.float64)
        decided = np.array([share is not None for share in pairs], bool)
        return Decisions(np.where(finite, shares, 0.0), decided | ~finite)

    def least_agreement(self, bounds: "Bounds") -> float:
        """The share that is asked of a best class."""
        return bounds.agreement

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> MaskData:
        """How much of the image each class has."""
        chosen = _chosen(value)
        if len(value) == 1:
            counts = np.array([np.count_nonzero(chosen)])
        else:
            counts = np.bincount(chosen.ravel(), minlength=len(value))
        return MaskData(
            classes=tuple(
                ClassShare(
                    label=label_of(index, labels),
                    index=index,
                    share=float(counts[index] / chosen.size),
                )
                for index in np.flatnonzero(counts).tolist()
            )
        )

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """A row for each class, the largest first."""
        found = sorted(self.data(value, labels).classes, key=lambda each: -each.share)
        return Table(("label", "share"), tuple((each.label, f"{each.share:.1%}") for each in found))

    def picture(
        self,
        value: np.ndarray,
        labels: Labels,
        image: "Image.Image",
        transform: "InputTransform",
    ) -> "Image.Image":
        """The class of each pixel of the photograph as its index; with K = 1 foreground is 1.

        A palette gives the colours. Pixels that the input does not reach have the index 255, which
        is transparent; so have classes from 255 on.
        """
        from PIL import Image

        chosen = np.minimum(_chosen(value), _OUTSIDE)
        columns, rows = transform.cells_of_image((chosen.shape[1], chosen.shape[0]))
        inside = (rows >= 0)[:, None] & (columns >= 0)
        indices = np.where(inside, chosen[rows[:, None], columns], _OUTSIDE).astype(np.uint8)
        picture = Image.fromarray(indices)
        picture.putpalette(_palette(background=len(value) == 1))
        picture.info["transparency"] = _OUTSIDE
        return picture


def _chosen(value: np.ndarray) -> np.ndarray:
    """The class `[H, W]` of each pixel of logits `[K, H, W]`; of one class 1 is foreground."""
    chosen: np.ndarray = value.argmax(axis=0) if len(value) > 1 else (value[0] > 0).astype(np.int64)
    return chosen


def _same(given: np.ndarray, wanted: np.ndarray, limit: float) -> float | None:
    """The share of the pixels with the same class in `[K, H, W]`; None if all are near-ties."""
    with np.errstate(invalid="ignore"):
        margins = class_margins(wanted[None])[0] if len(wanted) > 1 else np.abs(wanted[0])
        decided = margins > limit
    if not decided.any():
        return None
    return float(np.mean((_chosen(given) == _chosen(wanted))[decided]))


def _palette(*, background: bool) -> list[int]:
    """Red, green and blue of 256 indices; a background is black."""
    colours = [colour_of(index) for index in range(_OUTSIDE)]
    if background:
        colours = [(0, 0, 0), *colours[:-1]]
    return [level for colour in [*colours, (0, 0, 0)] for level in colour]


PART = Mask()
