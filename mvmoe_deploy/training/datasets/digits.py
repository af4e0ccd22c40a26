"""The embedded data: scikit-learn's 1,797 real handwritten digits of 8 x 8 pixels.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI (1998).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.training.augment import vary_digit
from mvmoe_deploy.training.datasets.contract import DataSet, Part
from mvmoe_deploy.training.splits import stratified_split

if TYPE_CHECKING:
    from mvmoe_deploy.models.model_config import ModelConfig

NAMES = tuple("0123456789")
"""The names of the classes."""

RECIPE: Mapping[str, Any] = {
    "dense_epochs": 34,
    "moe_epochs": 18,
    "batch_size": 64,
    "lr": 2e-3,
    "warmup": 0.1,
    "ema": 0.98,
    "threads": 1,
}
"""Options of a training of about a minute, tuned on the held-out split. One thread: matrices this
small gain little from a second one, and become ten times slower when another program runs on it."""

_SHARE = 0.2
"""Of all images, the share of the test split, and again of the held-out split."""


def digits_split(split: Part = "test") -> tuple[np.ndarray, np.ndarray]:
    """Images `[N, 8, 8]` (uint8) and labels `[N]` (int64) of one split.

    Stratified, 60 / 20 / 20 %, and the same whatever the seed of a run is: no run ever trains on
    a test image. Raises MissingExtraError without scikit-learn.
    """
    if split not in (names := get_args(Part)):
        raise InputError(
            f"split {split!r} is unknown; digits has {', '.join(names)}",
            code="input.option",
            name="split",
            given=split,
            expected=list(names),
        )
    images, labels = _load()
    rest, test = stratified_split(labels, round(_SHARE * len(labels)))
    train, held_out = stratified_split(labels[rest], round(_SHARE * len(labels)))
    rows = {"train": rest[train], "held-out": rest[held_out], "test": test}[split]
    return images[rows], labels[rows]


def digits_preprocessing(config: "ModelConfig") -> Preprocessing:
    """Whole digits at `config`'s size, with mean and deviation of the training split."""
    channels = config.in_channels
    return Preprocessing(
        height=config.image_size,
        width=config.image_size,
        channel_order="L" if channels == 1 else "RGB",
        resize="squash",
        mean=(0.3045,) * channels,
        std=(0.3755,) * channels,
    )


@cache
def _load() -> tuple[np.ndarray, np.ndarray]:
    """All images as uint8 (their 0..16 spread over 0..255) and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError.from_import(
            error, "scikit-learn, which holds the digits,", "train"
        ) from error
    bunch = load_digits()
    images = np.round(bunch.images * 255 / 16).astype(np.uint8)
    return images, bunch.target.astype(np.int64)


class Digits:
    """The data set `digits`."""

    classes = NAMES
    kind = "logits"
    preset = "digits"
    recipe = RECIPE
    augment = staticmethod(vary_digit)

    def at(self, folder: Path) -> DataSet | None:
        """None: these images are no files."""
        return None

    def split(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """See `digits_split`."""
        return digits_split(part)

    def suited_input(self, config: "ModelConfig") -> Mapping[str, Any]:
        """See `digits_preprocessing`."""
        return msgspec.structs.asdict(digits_preprocessing(config))


PART = Digits()
