"""Images that a model is calibrated on: training images, as they are deployed."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.data import Split, load_data

_BATCH = 32


class CalibrationImages:
    """Some training images of `data`, drawn by `seed`, made into a model's input."""

    def __init__(self, data: str, model: FamilyModel, count: int, seed: int) -> None:
        """All of them if there are no more than `count`; raises InputError as `load_data` does."""
        found = load_data(data, model.config)
        self._data = dataclasses.replace(found, preprocessing=model.input)
        rows = np.random.default_rng(seed).permutation(len(found.train))[:count]
        self._images = Split(
            [found.train.images[row] for row in rows], np.asarray(found.train.labels)[rows]
        )

    def __len__(self) -> int:
        return len(self._images)

    def batches(self, done: Callable[[int], None]) -> Iterator[Tensor]:
        """Images `[B, C, H, W]` (fp32), each once; `done` hears of the images of every batch."""
        for images, _ in Batches(self._data, _BATCH, seed=0).evaluation(self._images):
            yield images
            done(len(images))
