"""A directory with MNIST's four IDX files; also of data sets that come in the same form."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training.augment import vary_digit
from mvmoe_deploy.training.datasets.contract import DataSet, Part
from mvmoe_deploy.training.datasets.idx_format import read_idx
from mvmoe_deploy.training.splits import stratified_split

if TYPE_CHECKING:
    from mvmoe_deploy.models.model_config import ModelConfig

FILES = tuple(
    f"{part}-{what}" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)
"""The four files without their endings: `-ubyte`, and `.gz` where they are packed."""

_HELD_OUT_SHARE = 0.1
"""Of the training images, the share kept back for the confusion matrix."""


class IdxFolder:
    """The images of four files; classes are called by their numbers."""

    kind = "logits"
    preset = "fashion_mnist"
    recipe: Mapping[str, Any] = {
        "dense_epochs": 8,
        "moe_epochs": 4,
        "batch_size": 128,
        "lr": 2e-3,
        "warmup": 0.1,
        "ema": 0.99,
        "threads": 1,
    }
    """For 60,000 images of 28 x 28: some minutes on one core, which matrices this small fill."""

    augment = staticmethod(vary_digit)
    """Nothing is known of the images: what is true mirrored is not supposed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def fits(folder: Path) -> bool:
        """Whether a directory has the four files, each packed or not."""
        return all(_file(folder, name) is not None for name in FILES)

    @property
    def classes(self) -> tuple[str, ...]:
        """The numbers from 0 to the largest label."""
        labels = self.labels("train")
        count = int(labels.max()) + 1
        if count < 2:
            reason = "all training images have the label 0; give at least two classes"
            raise self._invalid(reason, "classes")
        return tuple(map(str, range(count)))

    def at(self, folder: Path) -> DataSet | None:
        """Any directory with the four files."""
        return IdxFolder(folder) if self.fits(folder) else None

    def split(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """See `DataSet`: a tenth of the training images, at least one a class, is held out."""
        self._require_classes()
        if part == "test":
            return self._images("t10k"), self.labels("t10k")
        images, labels = self._images("train"), self.labels("train")
        held_out = max(len(self.classes), round(_HELD_OUT_SHARE * len(labels)))
        rows = dict(zip(("train", "held-out"), stratified_split(labels, held_out), strict=True))
        return images[rows[part]], labels[rows[part]]

    def suited_input(self, config: "ModelConfig") -> Mapping[str, Any]:
        """Whole images, with mean and deviation of all training images, held-out ones included."""
        mean, deviation = self.statistics()
        return {
            "resize": "squash",
            "mean": (mean,) * config.in_channels,
            "std": (deviation,) * config.in_channels,
        }

    def labels(self, part: str) -> np.ndarray:
        """The labels `[N]` (int64) of `train` or `t10k`."""
        return self._read(part, "labels-idx1", 1).astype(np.int64)

    def statistics(self) -> tuple[float, float]:
        """Mean and deviation of the training pixels between 0 and 1, to four places."""
        shares = np.bincount(self._images("train").ravel(), minlength=256).astype(np.float64)
        shares /= shares.sum()
        levels = np.arange(256) / 255
        mean = float(shares @ levels)
        deviation = float(np.sqrt(shares @ (levels - mean) ** 2))
        if round(deviation, 4) == 0:
            reason = "its training images have one grey level, and show nothing"
            raise self._invalid(reason, "pixels")
        return round(mean, 4), round(deviation, 4)

    def _images(self, part: str) -> np.ndarray:
        """The images `[N, H, W]` of `train` or `t10k`; raises InputError if labels are missing."""
        images, labels = self._read(part, "images-idx3", 3), self.labels(part)
        if len(images) != len(labels):
            reason = f"{part} has {len(images):,} images and {len(labels):,} labels"
            raise self._invalid(reason, "images")
        return images

    def _require_classes(self) -> None:
        """Every class has images to learn from, to hold out and to test."""
        classes, train = self.classes, np.bincount(self.labels("train"))
        test = np.bincount(self.labels("t10k"), minlength=len(classes))
        if len(test) > len(classes):
            raise self._invalid(
                f"t10k has the label {len(test) - 1}, but train has none above {len(classes) - 1}",
                "labels",
            )
        for name, learnt, tested in zip(classes, train, test, strict=True):
            if learnt < 2 or tested < 1:
                raise self._invalid(
                    f"the class {name} has {learnt} images in train and {tested} in t10k; at least "
                    "two and one are needed",
                    f"class {name}",
                )

    def _read(self, part: str, what: str, dimensions: int) -> np.ndarray:
        """One of the files; raises InputError if it is missing or damaged."""
        file = _file(self.folder, f"{part}-{what}")
        if file is None:
            raise self._invalid(f"{part}-{what}-ubyte is missing", "files")
        return read_idx(file, dimensions)

    def _invalid(self, reason: str, name: str) -> InputError:
        return InputError(
            f"data {self.folder} cannot be used: {reason}",
            code="data.invalid",
            path=str(self.folder),
            name=name,
        )


def _file(folder: Path, name: str) -> Path | None:
    """One of the four files, as it is or packed; None if there is neither."""
    both = (folder / f"{name}-ubyte", folder / f"{name}-ubyte.gz")
    return next((file for file in both if file.is_file()), None)
