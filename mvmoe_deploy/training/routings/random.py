"""Guided by super-classes drawn at random: the control for the confusion graph."""

import numpy as np

from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.routings.communities import random_super_classes
from mvmoe_deploy.training.routings.guiding import Guided


class Random(Guided):
    """Super-classes of equal size, up to one class."""

    name = "random"

    def super_classes(self, dense: Tally, experts: int, seed: int) -> np.ndarray:
        """Drawn with the run's seed; the dense model gives the number of classes only."""
        return random_super_classes(len(dense.confusion), experts, seed)


PART = Random()
