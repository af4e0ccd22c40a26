"""The contract of a data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from mvmoe_deploy.training.augment import Augmentation

if TYPE_CHECKING:
    from mvmoe_deploy.models.model_config import ModelConfig

Part = Literal["train", "held-out", "test"]
"""The splits: what is learnt from, what gives confusions and usage, what gives the figures."""


class DataSet(Protocol):
    """Images and labels that are held in memory: the part `datasets/NAME`, or a directory's.

    A module of a data set imports no PyTorch, and reads no file before it is asked for images.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; raises InputError as `split` does."""

    @property
    def preset(self) -> str:
        """The preset that suits the images."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Options of a training that suits them, by the names of `TrainOptions`."""

    @property
    def augment(self) -> Augmentation:
        """How an image is varied when it is learnt from."""

    def at(self, folder: Path) -> "DataSet | None":
        """This data set as it is in a directory of IDX files; None if that holds another."""

    def split(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Images `[N, H, W]` (uint8) and labels `[N]` (int64) of a split, always the same.

        Neighbours are of any class: they are not sorted. Raises InputError if the images are not
        there or not as they have to be.
        """

    def suited_input(self, config: "ModelConfig") -> Mapping[str, Any]:
        """Fields of `Preprocessing` that suit the images, for the input of `config`."""


@runtime_checkable
class GroupedClasses(Protocol):
    """What a data set offers beside, whose classes have natural super-classes."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The super-class of each class, by name."""
