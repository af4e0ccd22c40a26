"""How right answers to labelled images are counted, and compared between two sides."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """How right the answers of the reference and of the target are, and what the target loses.

    Both are shares, in the measure of the kind of output (`OutputKind.accuracy_measure`).
    `least_loss` and `most_loss` are the ends of an interval of 95% of the loss; negative where the
    target gains.
    """

    images: int
    reference: float
    target: float
    least_loss: float
    most_loss: float

    @property
    def loss(self) -> float:
        """What the target loses, as a share."""
        return self.reference - self.target


class AnswerCounts(Protocol):
    """What is counted of answers to labelled images, batch by batch."""

    @property
    def accuracy(self) -> float:
        """The share, from 0 to 1, in the measure of the kind."""

    def count(self, values: np.ndarray, labels: np.ndarray) -> None:
        """Add answers `[n, ...]` to images with `labels` `[n, ...]`, places in the input."""

    def add(self, other: Self) -> None:
        """Count the images of `other` too."""
