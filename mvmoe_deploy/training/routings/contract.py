"""The contract of a training routing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from torch import Tensor

from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.train_options import TrainOptions


@dataclass(frozen=True)
class RouterLoss:
    """A term of the loss that depends on the routers alone."""

    name: str
    """Its name in `metrics.jsonl`."""
    weight: float
    of: Callable[[Sequence[Tensor], Tensor], Tensor]
    """The term, of the routers' logits `[B, E]` and the labels `[B]`."""


class TrainingRouting(Protocol):
    """How the routers of a model learn to route: the part `routings/NAME`."""

    name: ClassVar[str]
    """The part's name, and that of the phase and of the checkpoint."""
    guided: ClassVar[bool]
    """Whether each class has an expert, its super-class, that the routers are guided to.

    There are then at least as many classes as experts.
    """

    def super_classes(self, dense: Tally, experts: int, seed: int) -> np.ndarray | None:
        """The expert `[C]` (int64) of each class; None for a routing that is not guided.

        `dense` is what the dense model does with the held-out images.
        """

    def loss(self, super_classes: np.ndarray | None, options: TrainOptions) -> RouterLoss:
        """What the routers minimise beside the family's own loss."""

    def remedy(self, options: TrainOptions) -> str:
        """What a person can change where routers collapse or leave experts unused.

        A clause with options of `mvmoe train` and their values now.
        """
