"""Training routing `in-turn`: the classes are dealt to the experts like cards."""

import numpy as np

from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.routings.guiding import Guided


class InTurn(Guided):
    """Class 0 to expert 0, class 1 to expert 1, and from the first expert again."""

    name = "in-turn"

    def super_classes(self, dense: Tally, experts: int, seed: int) -> np.ndarray:
        """The remainder of each class's number; the dense model gives the number of classes."""
        return np.arange(len(dense.confusion)) % experts


PART = InTurn()
