"""Output kind `boxes`: what a detector finds and where."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mvmoe_deploy.outputs.box_counts import BoxCounts, box_accuracy
from mvmoe_deploy.outputs.contract import (
    ALL_COUNT,
    Decisions,
    Labels,
    OutputKind,
    Table,
    finite_images,
    label_of,
)
from mvmoe_deploy.outputs.detections import (
    are_large,
    detections_of,
    found_again,
    is_in_place,
)
from mvmoe_deploy.outputs.palette import colour_of

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from mvmoe_deploy.bundle.manifest import Bounds
    from mvmoe_deploy.outputs.accuracy import Accuracy
    from mvmoe_deploy.preprocessing.input_transform import InputTransform

_COORDINATES = 4
_SHOWN = 20


class FoundBox(msgspec.Struct, frozen=True, kw_only=True):
    """One box: left, top, right and bottom in pixels."""

    label: str
    index: int
    score: float
    box: tuple[float, float, float, float]


class BoxesData(msgspec.Struct, frozen=True, kw_only=True):
    """The boxes, the highest score first; in pixels of the photograph where it is known."""

    boxes: tuple[FoundBox, ...]


class Boxes(OutputKind):
    """Rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then C scores in 0..1."""

    name = "boxes"
    form = "[N, 4 + C] with C of at least 1"
    measure = "share of boxes found on both sides"
    heading = "same boxes"
    decides_by = "scores"
    has_picture = True
    accuracy_measure = "mAP@0.5"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Rows with a score at least."""
        return len(shape) == 2 and shape[1] > _COORDINATES

    def classes(self, shape: tuple[int, ...]) -> int:
        """C."""
        return shape[1] - _COORDINATES

    def values(self, array: np.ndarray) -> Mapping[str, np.ndarray]:
        """Pixels and scores have nothing in common, so each has its own largest value."""
        return {"coordinates": array[..., :_COORDINATES], "scores": array[..., _COORDINATES:]}

    def agreement(
        self, given: np.ndarray, wanted: np.ndarray, limit: float = ALL_COUNT
    ) -> Decisions:
        """The share of the boxes of both sides that the other side has too.

        Near-ties are boxes with a score that near to the least that counts, or to the second best,
        and those of a pixel: whether they have an area, and what they overlap, rounding decides.
        """
        finite = finite_images(given, wanted)
        found = np.zeros((len(wanted), 2))
        for image in np.flatnonzero(finite):
            found[image] = _counts(given[image], wanted[image], limit)
        same, counted = found.T
        shares = np.where(counted > 0, same / np.maximum(counted, 1), 1.0)
        return Decisions(np.where(finite, shares, 0.0), (counted > 0) | ~finite)

    def least_agreement(self, bounds: "Bounds") -> float:
        """The share that is asked of a best class."""
        return bounds.agreement

    def renumbered(self, labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The first column is the class; -1 stays."""
        renamed = labels.copy()
        classes = labels[..., 0].astype(np.int64)
        renamed[..., 0] = np.where(classes >= 0, numbers[classes], -1)
        return renamed

    def labels_in_input(self, labels: np.ndarray, transform: "InputTransform") -> np.ndarray:
        """Boxes in shares of an image to those in pixels of the input."""
        moved = labels.copy()
        moved[:, 1:] = transform.boxes_to_input(labels[:, 1:] * np.tile(transform.image, 2))
        return moved

    def shown_classes(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """An image shows the classes of its boxes; rows without a box have the class -1."""
        shown: np.ndarray = (labels[:, :, :1] == np.arange(classes)).any(axis=1)
        return shown

    def answer_counts(self, classes: int) -> BoxCounts:
        """Boxes that are found and those that are there."""
        return BoxCounts(classes)

    def accuracy(self, reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> "Accuracy":
        """The mean average precision at an overlap of 0.5, with a bootstrap's interval."""
        return box_accuracy(reference, target, labels)

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> BoxesData:
        """All boxes after non-maximum suppression."""
        found = detections_of(value)
        boxes = found.boxes if transform is None else transform.boxes_to_image(found.boxes)
        return BoxesData(
            boxes=tuple(
                FoundBox(
                    label=label_of(index, labels),
                    index=index,
                    score=score,
                    box=(left, top, right, bottom),
                )
                for index, score, (left, top, right, bottom) in zip(
                    found.classes.tolist(), found.scores.tolist(), boxes.tolist(), strict=True
                )
            )
        )

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """A row for each of the twenty best boxes."""
        found = self.data(value, labels, transform).boxes
        rows = [
            (each.label, f"{each.score:.3f}", ", ".join(f"{place:.1f}" for place in each.box))
            for each in found[:_SHOWN]
        ]
        if len(found) > _SHOWN:
            rows.append((f"... and {len(found) - _SHOWN} more", "", ""))
        return Table(("label", "score", "box"), tuple(rows))

    def picture(
        self,
        value: np.ndarray,
        labels: Labels,
        image: "Image.Image",
        transform: "InputTransform",
    ) -> "Image.Image":
        """The photograph with its boxes, the best on top."""
        from PIL import ImageDraw

        picture = image.convert("RGB")
        draw = ImageDraw.Draw(picture)
        for found in reversed(self.data(value, labels, transform).boxes):
            _draw(draw, found, picture.size)
        return picture


def _counts(given: np.ndarray, wanted: np.ndarray, limit: float) -> tuple[int, int]:
    """Of one image the boxes that both have, and all; each side's are counted, near-ties not."""
    ours, theirs = detections_of(given), detections_of(wanted)
    same = counted = 0
    for some, others, rows in ((ours, theirs, wanted), (theirs, ours, given)):
        clear, found = some.margins > limit, found_again(some, others)
        if limit >= 0:  # Else nothing is a near-tie.
            clear &= are_large(some)
            found |= is_in_place(some, others, rows)
        counted += int(np.count_nonzero(clear))
        same += int(np.count_nonzero(clear & found))
    return same, counted


def _draw(draw: "ImageDraw.ImageDraw", found: FoundBox, size: tuple[int, int]) -> None:
    """One box with its label; lines and letters grow with the photograph."""
    from PIL import ImageFont

    colour = colour_of(found.index)
    width = max(1, round(max(size) / 400))
    font = ImageFont.load_default(max(10, round(max(size) / 50)))
    left, top, right, bottom = found.box
    # Coordinates are of edges: the last pixel inside ends at the right edge.
    corner = (max(left, right - 1), max(top, bottom - 1))
    draw.rectangle(((left, top), corner), outline=colour, width=width)
    words = f"{found.label} {found.score:.2f}"
    _, _, wide, tall = draw.textbbox((0, 0), words, font=font)
    place = (max(0.0, min(left, size[0] - wide)), max(0.0, top - tall))
    draw.rectangle((place, (place[0] + wide, place[1] + tall)), fill=colour)
    bright = 299 * colour[0] + 587 * colour[1] + 114 * colour[2] > 128_000
    draw.text(place, words, fill=(0, 0, 0) if bright else (255, 255, 255), font=font)


PART = Boxes()
