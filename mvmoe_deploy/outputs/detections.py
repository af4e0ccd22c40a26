"""What a detector's rows say: which boxes are found, and whether two sets of them are the same."""

from dataclasses import dataclass, replace

import numpy as np

LEAST_SCORE = 0.25
"""A row is a box from this score on."""

MOST_OVERLAP = 0.5
"""Of two boxes of one class that overlap by more, the one with the lower score is left out."""

SAME_BOX = 0.45
"""Two boxes of one class that overlap by this much are the same.

Less than `MOST_OVERLAP`: a box that is left out on one side only, since rounding took its overlap
across that bound, is then the same as the box that it was left out for.
"""


SAME_PLACE = 0.5
"""Pixels: edges of one row that are no further apart than this say the same place.

Of a box of a few pixels a shift far below one pixel changes every overlap.
"""


@dataclass(frozen=True)
class Detections:
    """The boxes of one image, the highest score first."""

    boxes: np.ndarray
    """`[m, 4]`, fp64: left, top, right, bottom in pixels of the input."""
    scores: np.ndarray
    """`[m]`, fp64: that of the best class."""
    classes: np.ndarray
    """`[m]`, int64."""
    rows: np.ndarray
    """`[m]`, int64: the row that each box is."""
    margins: np.ndarray
    """`[m]`, fp64: how far a score is from changing whether the row is a box, or its class."""


def detections_of(value: np.ndarray, least_score: float = LEAST_SCORE) -> Detections:
    """The boxes of rows `[N, 4 + C]` after non-maximum suppression within each class.

    A row counts if its best score is at least `least_score` and its box has an area; of equal
    scores the earlier row goes first, of equal classes the lowest.
    """
    rows = value.astype(np.float64)
    boxes, scores = rows[:, :4], rows[:, 4:]
    best = scores.max(axis=1)
    with np.errstate(invalid="ignore"):
        counts = (best >= least_score) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    chosen = np.flatnonzero(counts)
    chosen = chosen[np.argsort(-best[chosen], kind="stable")]
    classes = scores.argmax(axis=1)
    kept = _suppressed(boxes, classes, chosen)
    return Detections(boxes[kept], best[kept], classes[kept], kept, _margins(scores[kept]))


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The intersection over union `[m]` of one box `[4]` with boxes `[m, 4]` that have an area."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.maximum(sides, 0.0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common
    shares: np.ndarray = common / union
    return shares


def found_again(some: Detections, others: Detections) -> np.ndarray:
    """For each box of `some` whether `others` has the same, `[m]`."""
    found = np.zeros(len(some.scores), bool)
    for label in np.unique(some.classes):
        rivals = others.boxes[others.classes == label]
        for index in np.flatnonzero(some.classes == label):
            found[index] = bool((overlaps(some.boxes[index], rivals) >= SAME_BOX).any())
    return found


def is_in_place(some: Detections, others: Detections, value: np.ndarray) -> np.ndarray:
    """For each box of `some` whether the other side has it at the same row and place, `[m]`.

    `value` `[N, 4 + C]` are the other side's rows, `others` what is left of them: the row is there,
    or was left out for a box that it overlaps.
    """
    places = value.astype(np.float64)[some.rows, :4]
    near = np.abs(places - some.boxes).max(axis=1, initial=0.0) <= SAME_PLACE
    found: np.ndarray = near & found_again(replace(some, boxes=places), others)
    return found


def are_large(some: Detections) -> np.ndarray:
    """Which boxes keep an area if each edge is moved by `SAME_PLACE`, `[m]`."""
    sides = some.boxes[:, 2:] - some.boxes[:, :2]
    large: np.ndarray = sides.min(axis=1, initial=np.inf) > 2 * SAME_PLACE
    return large


def _suppressed(boxes: np.ndarray, classes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Those rows of `order` that no earlier one of their class overlaps too far."""
    kept = []
    for label in np.unique(classes[order]):
        left: np.ndarray = order[classes[order] == label]
        while len(left):
            kept.append(left[0])
            left = left[1:][overlaps(boxes[left[0]], boxes[left[1:]]) <= MOST_OVERLAP]
    remaining: np.ndarray = order[np.isin(order, kept)]
    return remaining


def _margins(scores: np.ndarray) -> np.ndarray:
    """How far the best of scores `[m, C]` is from the least, and from the second best, `[m]`."""
    best = scores.max(axis=1)
    margins: np.ndarray = np.abs(best - LEAST_SCORE)
    if scores.shape[1] > 1:
        second: np.ndarray = np.partition(scores, -2, axis=1)[:, -2]
        np.minimum(margins, best - second, out=margins)
    return margins
