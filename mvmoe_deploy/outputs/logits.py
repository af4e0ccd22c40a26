"""Output kind `logits`: one number for each class, the highest is the answer."""

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mvmoe_deploy.outputs.class_counts import ClassCounts, class_accuracy, softmax
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

if TYPE_CHECKING:
    from mvmoe_deploy.bundle.manifest import Bounds
    from mvmoe_deploy.outputs.accuracy import Accuracy
    from mvmoe_deploy.preprocessing.input_transform import InputTransform

_SHOWN = 5


class ClassProbability(msgspec.Struct, frozen=True, kw_only=True):
    """A class, and its share of the softmax."""

    label: str
    index: int
    probability: float


class LogitsData(msgspec.Struct, frozen=True, kw_only=True):
    """The five best classes, best first; of equal ones the lowest."""

    best: tuple[ClassProbability, ...]


class Logits(OutputKind):
    """Scores `[classes]` before a softmax."""

    name = "logits"
    form = "[classes]"
    measure = "top-1 agreement"
    heading = "same top-1"
    classifies = True
    accuracy_measure = "top-1"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """One size, the number of classes."""
        return len(shape) == 1

    def classes(self, shape: tuple[int, ...]) -> int:
        """All of them."""
        return shape[0]

    def agreement(
        self, given: np.ndarray, wanted: np.ndarray, limit: float = ALL_COUNT
    ) -> Decisions:
        """1 where the best class is the same; the margin is that to the second best."""
        finite = finite_images(given, wanted)
        same = given.argmax(axis=1) == wanted.argmax(axis=1)
        with np.errstate(invalid="ignore"):
            decided = ~(class_margins(wanted) <= limit)
        return Decisions((same & finite).astype(np.float64), decided | ~finite)

    def least_agreement(self, bounds: "Bounds") -> float:
        """The share of images with the same best class."""
        return bounds.agreement

    def shown_classes(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """An image shows its class."""
        shown: np.ndarray = labels[:, None] == np.arange(classes)
        return shown

    def answer_counts(self, classes: int) -> ClassCounts:
        """Confusions of classes."""
        return ClassCounts.empty(classes)

    def accuracy(self, reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> "Accuracy":
        """Top-1, with Wilson's intervals of the images that change sides."""
        return class_accuracy(reference, target, labels)

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> LogitsData:
        """The best classes with their probabilities."""
        shares = softmax(value)
        order = np.argsort(-value.astype(np.float64), kind="stable")[:_SHOWN]
        return LogitsData(
            best=tuple(
                ClassProbability(
                    label=label_of(index, labels), index=index, probability=float(shares[index])
                )
                for index in order.tolist()
            )
        )

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """A row for each of the best classes."""
        best = self.data(value, labels).best
        rows = tuple((found.label, f"{found.probability:.3f}") for found in best)
        return Table(("label", "probability"), rows)


PART = Logits()
