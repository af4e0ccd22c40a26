"""Output kind `embedding`: a vector whose direction is what counts."""

from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.outputs.contract import (
    ALL_COUNT,
    Decisions,
    Labels,
    OutputKind,
    Table,
    finite_images,
)
from mvmoe_deploy.outputs.numbers import Numbers, numbers_of, table_of

if TYPE_CHECKING:
    from mvmoe_deploy.bundle.manifest import Bounds
    from mvmoe_deploy.preprocessing.input_transform import InputTransform


class Embedding(OutputKind):
    """A vector `[D]`, compared with others by its cosine."""

    name = "embedding"
    form = "[D]"
    measure = "least cosine similarity"
    heading = "cosine"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """One size, the dimension."""
        return len(shape) == 1

    def agreement(
        self, given: np.ndarray, wanted: np.ndarray, limit: float = ALL_COUNT
    ) -> Decisions:
        """The cosine of the two vectors, a negative one as 0; a reference of zeros has none."""
        finite = finite_images(given, wanted)
        ours, theirs = _directions(given, finite), _directions(wanted, finite)
        cosines = np.clip((ours * theirs).sum(axis=1), 0.0, 1.0)
        return Decisions(np.where(finite, cosines, 0.0), theirs.any(axis=1) | ~finite)

    def summary(self, decisions: Decisions) -> float:
        """The least of all images: their mean would hide one that points elsewhere."""
        found = decisions.agreement[decisions.decided]
        return float(found.min()) if len(found) else 1.0

    def least_agreement(self, bounds: "Bounds") -> float:
        """What an error of that size may take from a cosine, of small embeddings too.

        The bound on errors is relative to the largest value of all images and says nothing of
        where a small embedding points.
        """
        return 1.0 - bounds.answer_error

    def data(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Numbers:
        """A few figures."""
        return numbers_of(value)

    def describe(
        self, value: np.ndarray, labels: Labels, transform: "InputTransform | None" = None
    ) -> Table:
        """A few figures."""
        return table_of(numbers_of(value))


def _directions(vectors: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Vectors `[n, D]` of length 1 in fp64; zeros for those of zeros and those not `finite`."""
    exact = np.where(finite[:, None], vectors.astype(np.float64), 0.0)
    peaks = np.abs(exact).max(axis=1, keepdims=True)
    exact /= np.where(peaks > 0, peaks, 1.0)  # First to a peak of 1: squares may underflow.
    lengths = np.sqrt(np.square(exact).sum(axis=1, keepdims=True))
    directions: np.ndarray = exact / np.where(lengths > 0, lengths, 1.0)
    return directions


PART = Embedding()
