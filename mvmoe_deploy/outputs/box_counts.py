"""Right answers where an image has labelled boxes: average precision, and what is lost of it.

The measure is the mean average precision of the PASCAL VOC challenge at an overlap of 0.5
(M. Everingham et al., "The Pascal Visual Object Classes Challenge: A Retrospective", IJCV 2015),
of the boxes that non-maximum suppression leaves: those that an application sees.
"""

from dataclasses import dataclass, field

import numpy as np

from mvmoe_deploy.outputs.accuracy import Accuracy
from mvmoe_deploy.outputs.detections import Detections, detections_of, overlaps

RIGHT_OVERLAP = 0.5
"""A box is right if it overlaps a labelled one of its class by this much."""

_LEAST_SCORE = 0.01
"""Boxes of lower scores are not counted: at the end of the curve they change next to nothing."""

_RESAMPLINGS, _SEED, _ENDS = 500, 0, (0.025, 0.975)
"""Of the bootstrap that gives the interval of a loss."""

_IMAGE, _CLASS, _SCORE, _RIGHT = range(4)
"""Columns of a found box."""


@dataclass
class BoxCounts:
    """The boxes that were found and those that are there; C classes."""

    classes: int
    labelled: list[np.ndarray] = field(default_factory=list)
    """For each image how many boxes of each class it has `[C]`."""
    found: list[np.ndarray] = field(default_factory=list)
    """Found boxes `[m, 4]`, fp64: number of the image, class, score, and whether it is right."""

    @property
    def accuracy(self) -> float:
        """mAP@0.5: the mean over the classes that have a labelled box, 0 if none has."""
        return self._curves().mean_precision(np.ones(len(self.labelled)))

    def count(self, values: np.ndarray, labels: np.ndarray) -> None:
        """Add rows `[n, N, 4 + C]` of images with labels `[n, M, 5]` in pixels of the input.

        A label is a class and left, top, right and bottom; the class is -1 where a row has none.
        """
        for rows, label in zip(values, labels, strict=True):
            boxes = label[label[:, 0] >= 0].astype(np.float64)
            found = detections_of(rows, _LEAST_SCORE)
            columns = (
                np.full(len(found.scores), len(self.labelled)),
                found.classes,
                found.scores,
                right_boxes(found, boxes),
            )
            self.found.append(np.stack(columns, axis=1).astype(np.float64))
            classes = boxes[:, 0].astype(np.int64)
            self.labelled.append(np.bincount(classes, minlength=self.classes))

    def add(self, other: "BoxCounts") -> None:
        """Count the images of `other` too."""
        offset = np.array([len(self.labelled), 0, 0, 0])
        self.found += [rows + offset for rows in other.found]
        self.labelled += other.labelled

    def _curves(self) -> "_Curves":
        found = np.concatenate([np.empty((0, 4)), *self.found])
        labelled = np.stack([*self.labelled, np.zeros(self.classes, np.int64)])[:-1]
        return _Curves(found, labelled)


def box_accuracy(reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> Accuracy:
    """The mAP@0.5 of rows `[n, N, 4 + C]` of at least one image by its labels `[n, M, 5]`.

    The interval of the loss is that of 500 drawings of the same images, with repetition, for both
    sides (B. Efron's bootstrap, 1979): average precision is no share of images.
    """
    counts = []
    for values in (reference, target):
        counts.append(BoxCounts(values.shape[2] - 4))
        counts[-1].count(values, labels)
    curves = [each._curves() for each in counts]
    images = len(labels)
    rng = np.random.default_rng(_SEED)
    losses = []
    for _ in range(_RESAMPLINGS):
        weights = np.bincount(rng.integers(0, images, images), minlength=images)
        ours, theirs = (each.mean_precision(weights) for each in curves)
        losses.append(ours - theirs)
    least, most = np.quantile(losses, _ENDS)
    every = np.ones(images)
    right = [each.mean_precision(every) for each in curves]
    return Accuracy(images, right[0], right[1], float(least), float(most))


def right_boxes(found: Detections, labelled: np.ndarray) -> np.ndarray:
    """For each found box whether it is right, `[m]` (bool).

    The highest score first: it takes the labelled box `[M, 5]` of its class that it overlaps most,
    and is right if nobody has taken that one and they overlap by `RIGHT_OVERLAP` at least.
    """
    right = np.zeros(len(found.scores), bool)
    taken = np.zeros(len(labelled), bool)
    for index, (box, label) in enumerate(zip(found.boxes, found.classes, strict=True)):
        rivals = np.flatnonzero(labelled[:, 0] == label)
        if not len(rivals):
            continue
        shares = overlaps(box, labelled[rivals, 1:])
        best = rivals[int(shares.argmax())]
        right[index] = shares.max() >= RIGHT_OVERLAP and not taken[best]
        taken[best] |= right[index]
    return right


class _Curves:
    """The found boxes of each class, the highest score first."""

    def __init__(self, found: np.ndarray, labelled: np.ndarray) -> None:
        self.labelled = labelled
        ordered = found[np.argsort(-found[:, _SCORE], kind="stable")]
        self.of_class = [ordered[ordered[:, _CLASS] == label] for label in range(labelled.shape[1])]

    def mean_precision(self, weights: np.ndarray) -> float:
        """The mean average precision where each image counts as often as `weights` `[n]` say."""
        totals = weights @ self.labelled
        shown = np.flatnonzero(totals)
        precisions = [
            _average_precision(self.of_class[label], weights, totals[label]) for label in shown
        ]
        return float(np.mean(precisions)) if precisions else 0.0


def _average_precision(found: np.ndarray, weights: np.ndarray, total: float) -> float:
    """The area below precision over recall, each precision the best of any higher recall."""
    counts = weights[found[:, _IMAGE].astype(np.int64)]
    right = np.cumsum(counts * found[:, _RIGHT])
    # Images that are not drawn have no weight: before the first that is, nothing was found.
    precision = right / np.maximum(np.cumsum(counts), 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(right / total, prepend=0.0) * best))
