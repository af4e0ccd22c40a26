"""The contract of a data set."""

from collections.abc import Mapping, Sequence
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
    def kind(self) -> str:
        """The kind of outputs that the labels are of: `logits` of classes, `boxes` of boxes."""

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
        """Images (uint8) and labels of a split, always the same.

        Images are `[N, H, W]` or `[N, H, W, 3]`, labels as the kind has them: `[N]` (int64) of
        classes, `[N, M, 5]` (fp32) of boxes in shares of the image. Neighbours are of any class:
        they are not sorted. Raises InputError if the images are not there or not as they have to
        be.
        """

    def suited_input(self, config: "ModelConfig") -> Mapping[str, Any]:
        """Fields of `Preprocessing` that suit the images, for the input of `config`."""


class LabelledFolder(Protocol):
    """Image files in a folder, and what labels them."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; raises InputError for a folder that is laid out otherwise."""

    @property
    def kind(self) -> str:
        """As of a `DataSet`."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """As of a `DataSet`."""

    @property
    def augment(self) -> Augmentation:
        """As of a `DataSet`."""

    def split(self, part: Part) -> tuple[Sequence[Path], np.ndarray]:
        """Image files and their labels, always the same; raises InputError."""


@runtime_checkable
class GroupedClasses(Protocol):
    """What a data set offers beside, whose classes have natural super-classes."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The super-class of each class, by name."""
