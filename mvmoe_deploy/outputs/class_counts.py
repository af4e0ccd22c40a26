"""Right answers where an image has one class: confusions, top-1, and what a target loses of it."""

import math
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.outputs.accuracy import Accuracy

_Z = 2.241402727604947
"""The normal quantile of 1 - 0.05 / 4: two shares, each with an interval of 97.5%."""


@dataclass
class ClassCounts:
    """Images by class and answer; C classes."""

    confusion: np.ndarray
    """Images by true class (row) and answer `[C, C]`, int64."""
    soft_confusion: np.ndarray
    """As `confusion`, but each answer counts by its probability `[C, C]`, fp64."""

    @classmethod
    def empty(cls, classes: int) -> "ClassCounts":
        """No image yet."""
        return cls(np.zeros((classes, classes), dtype=np.int64), np.zeros((classes, classes)))

    @property
    def accuracy(self) -> float:
        """Top-1: the share of the images whose answer is their class."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def count(self, values: np.ndarray, labels: np.ndarray) -> None:
        """Add class logits `[n, C]` of images with labels `[n]`."""
        probabilities = softmax(values)
        np.add.at(self.confusion, (labels, probabilities.argmax(axis=-1)), 1)
        np.add.at(self.soft_confusion, labels, probabilities)

    def add(self, other: "ClassCounts") -> None:
        """Count the images of `other` too."""
        self.confusion += other.confusion
        self.soft_confusion += other.soft_confusion


def class_accuracy(reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> Accuracy:
    """The accuracy of scores `[n, classes]` of at least one image by its labels `[n]`."""
    return paired_accuracy(*(scores.argmax(axis=1) == labels for scores in (reference, target)))


def paired_accuracy(right: np.ndarray, other: np.ndarray) -> Accuracy:
    """The accuracy of a reference and a target by which of the same images each answers rightly.

    Both are booleans `[n]` of at least one image. The loss is the share of images that only the
    reference answers rightly, less the share that only the target does: each of the two has a
    Wilson interval of 97.5% (E. B. Wilson, 1927), so
    that both hold together in 95% (Bonferroni). It has a width where no image has changed, too.
    """
    count = len(right)
    lost_low, lost_high = _wilson(int((right & ~other).sum()), count)
    won_low, won_high = _wilson(int((other & ~right).sum()), count)
    return Accuracy(
        images=count,
        reference=float(right.mean()),
        target=float(other.mean()),
        least_loss=lost_low - won_high,
        most_loss=lost_high - won_low,
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities `[..., classes]` of finite logits, in fp64."""
    exact = logits.astype(np.float64)
    powers = np.exp(exact - exact.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _wilson(found: int, count: int) -> tuple[float, float]:
    """The ends of Wilson's interval of a share."""
    share, z2 = found / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)
