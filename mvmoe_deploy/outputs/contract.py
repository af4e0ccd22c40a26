"""The contract of a kind of output: its shape, what it decides, and how it is shown.

A kind knows nothing of graphs, engines and files, and imports NumPy alone; Pillow only where it
makes a picture. `docs/outputs.md` defines each built-in kind for every language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

    from mvmoe_deploy.bundle.manifest import Bounds
    from mvmoe_deploy.outputs.accuracy import Accuracy, AnswerCounts
    from mvmoe_deploy.preprocessing.input_transform import InputTransform

ALL_COUNT = -1.0
"""A limit below every margin: nothing is a near-tie."""

Labels = Sequence[str] | None
"""The names of the classes in their order, or None where they have none."""


@dataclass(frozen=True)
class Decisions:
    """How far the decisions of `n` images agree with the reference's."""

    agreement: np.ndarray
    """`[n]`, fp64 in 0..1; 0 where a value of the image is not finite."""
    decided: np.ndarray
    """`[n]`, bool: False where all that the image decides is a near-tie, which says nothing."""


class Table(NamedTuple):
    """A value for a terminal: the names of the columns, and the rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class OutputKind(Protocol):
    """What an output's numbers mean.

    Methods without a body have to be written; the others suit a kind that decides nothing, has no
    classes and no picture. Shapes are those behind the batch.
    """

    name: ClassVar[str]

    form: ClassVar[str]
    """The shape that it needs, in words: `[classes]`."""

    classifies: ClassVar[bool] = False
    """Whether the class of an image is the place of its highest value."""

    measure: ClassVar[str | None] = None
    """What its agreement is called (`top-1 agreement`); None if it decides nothing."""

    heading: ClassVar[str] = "agreement"
    """What the agreement is called above a column of a table."""

    decides_by: ClassVar[str] = "values"
    """Which of `values` has the numbers whose error may turn a decision."""

    has_picture: ClassVar[bool] = False
    """Whether `picture` gives one."""

    accuracy_measure: ClassVar[str | None] = None
    """What right answers to labelled images are measured by (`top-1`); None if nothing can be
    labelled. With it the kind has `shown_classes`, `answer_counts` and `accuracy`.

    Labels are `[n, ...]`, as the kind says: `[n]` of classes, or `[n, M, 5]` of boxes, each a class
    (-1 for none) and left, top, right and bottom. Places are shares of the image, 0 to 1, where
    data sets give them, and pixels of the input where answers are compared with them.
    """

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an output of this kind can have the shape; all its sizes are at least 1."""
        ...

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse a shape that an output of this kind cannot have; raises InputError."""
        if not self.fits(shape) or min(shape) < 1:
            raise InputError(
                f"an output of the kind {self.name} has the shape {self.form} behind the batch, "
                f"but {list(shape)} was given; give the output another kind, or this shape",
                code="input.output-shape",
                kind=self.name,
                expected=self.form,
                found=list(shape),
            )

    def classes(self, shape: tuple[int, ...]) -> int | None:
        """How many labels an output of this shape has; None if its numbers are not of classes."""
        return None

    def values(self, array: np.ndarray) -> Mapping[str, np.ndarray]:
        """An output `[n, ...]` in parts `[n, ...]`, each compared with its own largest value.

        The keys are plurals that stand in messages: "scores are off by".
        """
        return {"values": array}

    def agreement(
        self, given: np.ndarray, wanted: np.ndarray, limit: float = ALL_COUNT
    ) -> Decisions | None:
        """How far what outputs `[n, ...]` decide is the same; None if the kind decides nothing.

        What the reference `wanted` decides by a margin up to `limit` is a near-tie, which rounding
        may turn, and is left out.
        """
        return None

    def summary(self, decisions: Decisions) -> float:
        """The agreement of all images as one number: the mean; 1 where none decides anything."""
        found = decisions.agreement[decisions.decided]
        return float(np.mean(found)) if len(found) else 1.0

    def least_agreement(self, bounds: "Bounds") -> float | None:
        """The least `summary` that a target with these bounds may have; None if it has none."""
        return None

    def renumbered(self, labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Labels `[n, ...]` whose class c is called `numbers[c]`."""
        renamed: np.ndarray = numbers[labels]
        return renamed

    def labels_in_input(self, labels: np.ndarray, transform: "InputTransform") -> np.ndarray:
        """The labels `[...]` of one image, their places moved from the image to the input."""
        return labels

    def shown_classes(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """Which classes images with labels `[n, ...]` show, `[n, classes]` (bool)."""
        raise self._without_labels()

    def answer_counts(self, classes: int) -> "AnswerCounts":
        """Where right answers are counted, of no image yet."""
        raise self._without_labels()

    def accuracy(self, reference: np.ndarray, target: np.ndarray, labels: np.ndarray) -> "Accuracy":
        """The accuracy of answers `[n, ...]` of both sides, by labels `[n, ...]`."""
        raise self._without_labels()

    def _without_labels(self) -> InputError:
        """The error of a kind that nothing can be labelled with."""
        return InputError(f"an output of the kind {self.name} has no labels that answers match")

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> msgspec.Struct:
        """What one image's value `[...]` says, as JSON has it; places are moved by `transform`."""
        ...

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """The same for a terminal."""
        ...

    def picture(
        self,
        value: np.ndarray,
        labels: Labels,
        image: "Image.Image",
        transform: "InputTransform",
    ) -> "Image.Image | None":
        """One image's value `[...]` as a picture, with the upright photograph; None if it has none.

        `transform` says where the input lies in the photograph.
        """
        return None


def label_of(index: int, labels: Labels) -> str:
    """The name of a class; its number where it has none."""
    return labels[index] if labels is not None and index < len(labels) else str(index)


def finite_images(*arrays: np.ndarray) -> np.ndarray:
    """For each of `n` images whether all its values in arrays `[n, ...]` are finite, `[n]`."""
    finite = np.ones(len(arrays[0]), bool)
    for array in arrays:
        finite &= np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return finite


def class_margins(scores: np.ndarray) -> np.ndarray:
    """By how much the best class of `[n, classes, ...]` is above the second best, `[n, ...]`.

    In fp64; infinite where there is only one class.
    """
    if scores.shape[1] == 1:
        return np.full((len(scores), *scores.shape[2:]), np.inf)
    best = np.partition(scores, -2, axis=1)[:, -2:].astype(np.float64)
    margins: np.ndarray = best[:, 1] - best[:, 0]
    return margins
