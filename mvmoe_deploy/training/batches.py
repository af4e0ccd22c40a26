"""Which images make a step, on which process, and their tensors.

Order and augmentation are a function of (seed, epoch, index of the image) alone, so that a
resumed run repeats the interrupted one whatever the number of loading processes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mvmoe_deploy.errors import InputError, MvmoeError
from mvmoe_deploy.preprocessing import normalize, open_image, preprocess
from mvmoe_deploy.system.processes import end_with_parent
from mvmoe_deploy.training.augment import sample_rng
from mvmoe_deploy.training.data import ImageData, Split

Batch = tuple[Tensor, Tensor]
"""Images `[B, C, H, W]` (fp32) and labels `[B]` (int64)."""

_ORDER = 2**32
"""Stands for the index of an image in `sample_rng`: the generator of an epoch's order."""

_DRAWS = _ORDER + 1
"""The same, of what models draw on the first process; those of the others follow."""


class Batches:
    """The training and evaluation batches of one process among `processes`."""

    def __init__(
        self,
        data: ImageData,
        batch_size: int,
        seed: int,
        *,
        rank: int = 0,
        processes: int = 1,
        workers: int = 0,
    ) -> None:
        """Raises InputError if a step cannot be shared equally by the processes."""
        self.data = data
        self.seed = seed
        self.rank = rank
        self.processes = processes
        self.workers = workers
        # Fewer images than one batch: then all of them, as far as the processes share equally.
        self.batch_size = min(batch_size, len(data.train) // processes * processes)
        if self.batch_size < processes or self.batch_size % processes:
            raise InputError(
                f"a batch of {batch_size} of {len(data.train)} training images cannot be shared "
                f"equally by {processes} processes; give a batch size that is a multiple of "
                f"{processes}",
                code="input.option",
                name="batch_size",
                given=batch_size,
            )

    @property
    def steps(self) -> int:
        """Steps of an epoch; the images that do not fill a last batch wait for the next epoch."""
        return len(self.data.train) // self.batch_size

    def order(self, epoch: int) -> np.ndarray:
        """Indices of an epoch's images `[steps, batch_size]`, the same on every process."""
        rng = sample_rng(self.seed, epoch, _ORDER)
        drawn = rng.permutation(len(self.data.train))[: self.steps * self.batch_size]
        return drawn.reshape(self.steps, self.batch_size)

    def model_seed(self, epoch: int) -> int:
        """The seed of what a model draws on this process while it trains: a router's noise."""
        return int(sample_rng(self.seed, epoch, _DRAWS + self.rank).integers(2**63))

    def training(self, epoch: int) -> Iterator[Batch]:
        """This process's share of every step of an epoch, augmented."""
        share = self.order(epoch)[:, self.rank :: self.processes]
        return self._load(_Augmented(self.data, self.seed, epoch), list(share))

    def evaluation(self, split: Split) -> Iterator[Batch]:
        """This process's share of a split: every image exactly once on one process."""
        share = np.arange(len(split))[self.rank :: self.processes]
        size = max(1, self.batch_size // self.processes)
        batches = [share[start : start + size] for start in range(0, len(share), size)]
        return self._load(_AsDeployed(self.data, split), batches)

    def _load(self, images: Dataset[Any], batches: list[np.ndarray]) -> Iterator[Batch]:
        """Load the batches of indices in order, on the loading processes if there are any."""
        sampler: Iterable[Any] = batches  # whole batches of indices, which `__getitems__` takes
        loader: DataLoader[Any] = DataLoader(
            images,
            batch_sampler=sampler,
            num_workers=self.workers,
            collate_fn=_unchanged,
            worker_init_fn=_start_worker,
        )
        for batch in loader:
            if isinstance(batch, MvmoeError):
                raise batch
            yield batch


def _start_worker(worker: int) -> None:
    """End a loading process with its parent, even while it waits for a slow file system."""
    end_with_parent()


class _Images(Dataset[Any]):
    """Makes whole batches; an error is a value, because a loading process would make it a text."""

    def __getitems__(self, indices: np.ndarray) -> Batch | MvmoeError:
        """The batch of the images at `indices`, or why there is none."""
        try:
            return self.batch(indices)
        except MvmoeError as error:
            return error

    def batch(self, indices: np.ndarray) -> Batch:
        """The images and labels; raises ImageError."""
        raise NotImplementedError


class _Augmented(_Images):
    """Training images of one epoch."""

    def __init__(self, data: ImageData, seed: int, epoch: int) -> None:
        self.data = data
        self.seed = seed
        self.epoch = epoch

    def batch(self, indices: np.ndarray) -> Batch:
        """As `_Images` says."""
        spec = self.data.preprocessing
        images = np.empty((len(indices), *spec.shape), dtype=np.float32)
        for row, index in enumerate(indices):
            image = open_image(self.data.train.images[index], "L" if spec.channels == 1 else "RGB")
            rng = sample_rng(self.seed, self.epoch, int(index))
            normalize(self.data.augment(image, spec, rng), spec, images[row])
        return _batch(images, self.data.train.labels[indices])


class _AsDeployed(_Images):
    """Images of one split exactly as the runtime preprocesses them."""

    def __init__(self, data: ImageData, split: Split) -> None:
        self.spec = data.preprocessing
        self.split = split

    def batch(self, indices: np.ndarray) -> Batch:
        """As `_Images` says."""
        images = np.empty((len(indices), *self.spec.shape), dtype=np.float32)
        for row, index in enumerate(indices):
            preprocess(self.split.images[index], self.spec, images[row])
        return _batch(images, self.split.labels[indices])


def _batch(images: np.ndarray, labels: np.ndarray) -> Batch:
    """Tensors of arrays, no copy."""
    return torch.from_numpy(images), torch.from_numpy(labels)


def _unchanged(batch: Any) -> Any:
    """The datasets make whole batches: nothing is left to collate."""
    return batch
