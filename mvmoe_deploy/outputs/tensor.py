"""Output kind `tensor`: numbers of which nothing else is known."""

from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.outputs.contract import Labels, OutputKind, Table
from mvmoe_deploy.outputs.numbers import Numbers, numbers_of, table_of

if TYPE_CHECKING:
    from mvmoe_deploy.preprocessing.input_transform import InputTransform

_MOST_SIZES = 7


class Tensor(OutputKind):
    """Numbers of any shape, judged by their errors alone."""

    name = "tensor"
    form = "[...] (1 to 7 sizes)"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Any rank from 1 on, with the batch no more than a manifest's tensor may have."""
        return 1 <= len(shape) <= _MOST_SIZES

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


PART = Tensor()
