"""How many labelled images a target answers rightly, beside the reference: what it loses."""

import math
from dataclasses import dataclass

import numpy as np

_Z = 2.241402727604947
"""The normal quantile of 1 - 0.05 / 4: two shares, each with an interval of 97.5%."""


@dataclass(frozen=True)
class Accuracy:
    """Shares of right answers, of the reference and of the target, and what the target loses.

    `least_loss` and `most_loss` are the ends of an interval of at least 95% of the loss, as shares;
    negative where the target gains.
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


def accuracy(reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> Accuracy:
    """The accuracy of scores `[n, classes]` of at least one image by its labels `[n]`.

    The loss is the share of images that only the reference answers rightly, less the share that
    only the target does: each of the two has a Wilson interval of 97.5% (E. B. Wilson, 1927), so
    that both hold together in 95% (Bonferroni). It has a width where no image has changed, too.
    """
    right, other = (scores.argmax(axis=1) == labels for scores in (reference, target))
    count = len(labels)
    lost_low, lost_high = _wilson(int((right & ~other).sum()), count)
    won_low, won_high = _wilson(int((other & ~right).sum()), count)
    return Accuracy(
        images=count,
        reference=float(right.mean()),
        target=float(other.mean()),
        least_loss=lost_low - won_high,
        most_loss=lost_high - won_low,
    )


def _wilson(found: int, count: int) -> tuple[float, float]:
    """The ends of Wilson's interval of a share."""
    share, z2 = found / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)
