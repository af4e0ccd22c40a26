"""The paper's routing: guided by super-classes of the dense model's confusions."""

import numpy as np

from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.routings.communities import super_classes
from mvmoe_deploy.training.routings.guiding import Guided


class SuperClass(Guided):
    """Classes that the dense model confuses share an expert."""

    name = "super-class"

    def super_classes(self, dense: Tally, experts: int, seed: int) -> np.ndarray:
        """The communities of the confusion graph."""
        return super_classes(dense.confusion, dense.soft_confusion, experts)


PART = SuperClass()
