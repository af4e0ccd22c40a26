"""Looks at every image of a run before anything is trained: whether it can be read, what it holds.

Each process of a run checks its share. An image that was checked when the run began, and has the
same size and time of change, is not checked again.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mvmoe_deploy.preprocessing.screening import (
    Screened,
    Task,
    require_readable,
    screen_all,
    usable_threads,
)
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.inventory import Entry, Inventory, ListedImage, listed_images
from mvmoe_deploy.training.launch import gathered
from mvmoe_deploy.training.training_progress import Progress

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_ALL_DECODED = 20_000
"""Up to so many images are all decoded, which takes about a minute. Of more images, those that the
first epoch leaves out are decoded; of the others it is checked that header and file are whole.
"""


@dataclass(frozen=True)
class Survey:
    """The images as they are now, and path and error of each that cannot be read."""

    images: Inventory
    errors: tuple[tuple[str, str], ...] = ()

    def require_readable(self) -> None:
        """Raise ImageError that says how many images cannot be read and names the first."""
        require_readable(self.errors, of=len(self.images.entries))


def survey(
    fabric: "Fabric", batches: Batches, before: Inventory | None, progress: Progress
) -> Survey:
    """What is found of all images, the same on every process.

    `before` is what they were when the run began.
    """
    data = batches.data
    if data.root is None:
        return Survey(Inventory(data.classes, data.fingerprint, ()))
    images = listed_images(data)
    decoded = _to_decode(batches, images)
    share = [
        _ImageToCheck(image, decoded[index])
        for index, image in enumerate(images)
        if index % batches.processes == batches.rank
    ]
    found = _found(share, before, batches, progress if fabric.is_global_zero else None)
    findings = [finding for part in gathered(fabric, found) for finding in part]
    findings.sort(key=lambda finding: finding.entry.path)
    errors = ((finding.entry.path, finding.error) for finding in findings)
    return Survey(
        Inventory(data.classes, None, tuple(finding.entry for finding in findings)),
        tuple((path, error) for path, error in errors if error is not None),
    )


class _ImageToCheck(NamedTuple):
    """An image to check, and whether it has to be decoded for that."""

    image: ListedImage
    decode: bool


class _Finding(NamedTuple):
    """An image as it is; with an `error` it cannot be read."""

    entry: Entry
    error: str | None


def _to_decode(batches: Batches, images: list[ListedImage]) -> list[bool]:
    """For each image whether it is to be decoded now; see `_ALL_DECODED`."""
    if len(images) <= _ALL_DECODED:
        return [True] * len(images)
    decoded = [image.split != "train" for image in images]
    in_first_epoch = set(batches.order(1).ravel().tolist())
    # The training images are listed first, in their order.
    for index in set(range(len(batches.data.train))) - in_first_epoch:
        decoded[index] = True
    return decoded


def _found(
    share: list[_ImageToCheck],
    before: Inventory | None,
    batches: Batches,
    progress: Progress | None,
) -> list[_Finding]:
    """What this process finds of its share."""
    spec = batches.data.preprocessing
    known = {entry.path: entry for entry in before.entries} if before is not None else {}
    kept: list[_Finding] = []
    tasks: list[tuple[ListedImage, int, Task]] = []
    for image, decode in share:
        entry, (size, mtime) = known.get(image.below), _state_of(image)
        if entry is not None and (entry.bytes, entry.mtime_ns) == (size, mtime):
            kept.append(_Finding(msgspec.structs.replace(entry, labels=image.labels), None))
        else:
            sha256 = entry.sha256 if entry is not None else None
            tasks.append((image, mtime, Task(image.path, decode, sha256, spec)))
    step = _ignore
    if progress is not None and tasks:
        progress.images(len(tasks))
        step = progress.checked
    screened = screen_all([task for _, _, task in tasks], usable_threads(batches.workers), step)
    return kept + [
        _finding(image, mtime, result)
        for (image, mtime, _), result in zip(tasks, screened, strict=True)
    ]


def _finding(image: ListedImage, mtime: int, result: Screened) -> _Finding:
    entry = Entry(image.below, image.split, result.bytes, mtime, result.sha256, image.labels)
    return _Finding(entry, result.error)


def _state_of(image: ListedImage) -> tuple[int, int]:
    """Size and time of change of a file; (-1, -1) if it is gone: reading it will say so."""
    try:
        status = image.path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _ignore(count: int) -> None:
    """No progress is shown."""
