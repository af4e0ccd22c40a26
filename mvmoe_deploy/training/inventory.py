"""`images.jsonl`: which images a run is trained on, and what changed in them since it began.

The first line is a `_Header`, each further one an `Entry`. The splits are written down because they
are drawn over all images at once: one more file in the folder would change the splits of others,
and a held-out image would become a training image. So a file keeps its split as long as the run
lasts.
"""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.training.data import ImageData, Split

SplitName = Literal["train", "held_out", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
_LEARNT, _, _TEST = SPLITS

_MAX_NAMED = 3
"""Files of each kind that a message names."""


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """One image file: path below the data set (with `/`), its split, and what it holds."""

    path: str
    split: SplitName
    bytes: int
    mtime_ns: int
    """Its time of change: a file of the same size and time is not read again."""
    sha256: str
    labels: str = ""
    """A hash of its labels where a file has them; empty where its path says its class."""


class ImagesDifference(msgspec.Struct, frozen=True):
    """Files, by path, that a data set has gained, lost, or that hold something else now."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        kinds = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return ", ".join(
            f"{len(paths):,} {kind} ({_first(paths)})" for kind, paths in kinds if paths
        )


class DataChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the images that `--accept-changed-data` accepted, and what was trained before.

    `epoch` counts the finished epochs of `phase`; `files` names the first of each kind.
    """

    phase: str
    epoch: int
    added: int
    removed: int
    changed: int
    files: tuple[str, ...]

    @classmethod
    def of(cls, difference: ImagesDifference, phase: str, epoch: int) -> "DataChange":
        """The record of a difference that was found when `epoch` of `phase` was done."""
        kinds = (difference.added, difference.removed, difference.changed)
        return cls(
            phase=phase,
            epoch=epoch,
            added=len(difference.added),
            removed=len(difference.removed),
            changed=len(difference.changed),
            files=tuple(path for paths in kinds for path in paths[:_MAX_NAMED]),
        )


class _Header(msgspec.Struct, kw_only=True):
    """The first line of the file."""

    classes: tuple[str, ...]
    pixels: str | None
    """A hash of the images themselves, where they are no files."""
    changes: tuple[DataChange, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """The images of a run; `entries` are in order of path, and none for images that are no files.

    `pixels` is a hash of the images themselves where they are no files.
    """

    classes: tuple[str, ...]
    pixels: str | None
    entries: tuple[Entry, ...]
    changes: tuple[DataChange, ...] = ()

    def difference(self, before: "Inventory") -> ImagesDifference:
        """What is not as it was `before`; a file's time of change does not matter."""
        old = {entry.path: (entry.sha256, entry.labels) for entry in before.entries}
        new = {entry.path: (entry.sha256, entry.labels) for entry in self.entries}
        return ImagesDifference(
            added=tuple(path for path in new if path not in old),
            removed=tuple(path for path in old if path not in new),
            changed=tuple(path for path in new if path in old and old[path] != new[path]),
        )

    def with_splits_of(self, before: "Inventory") -> "Inventory":
        """The same images, those that are in `before` in the split that they had there.

        A file that was renamed among those that are learnt from, or among those of the test, keeps
        its split; a new one that is not of the test is learnt from.
        """
        known = {entry.path: entry.split for entry in before.entries}
        gone = {e.path for e in before.entries} - {e.path for e in self.entries}
        renamed = {
            (entry.split == _TEST, entry.sha256): entry.split
            for entry in before.entries
            if entry.path in gone
        }

        def split(entry: Entry) -> SplitName:
            default: SplitName = _TEST if entry.split == _TEST else _LEARNT
            same = renamed.get((entry.split == _TEST, entry.sha256), default)
            return known.get(entry.path, same)

        entries = tuple(
            msgspec.structs.replace(entry, split=split(entry)) for entry in self.entries
        )
        return Inventory(self.classes, self.pixels, entries, before.changes)

    def write(self, path: Path) -> None:
        """Write the file in one step; raises OutputError."""
        header = _Header(classes=self.classes, pixels=self.pixels, changes=self.changes)
        lines = [msgspec.json.encode(line) for line in (header, *self.entries)]
        text = b"\n".join(lines) + b"\n"
        files.write_file(path, lambda partial: partial.write_bytes(text), foreign_to_inventory)

    @classmethod
    def read(cls, path: Path) -> "Inventory":
        """The file's content; raises InputError if it is damaged or missing."""
        try:
            first, *rest = path.read_bytes().splitlines()
            header = msgspec.json.decode(first, type=_Header)
            decoder = msgspec.json.Decoder(Entry)
            entries = tuple(decoder.decode(line) for line in rest)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise InputError(
                f"{path} is damaged ({error}), so it is not known which images the run was begun "
                "with; train in another directory",
                code="resume.damaged",
                path=str(path),
            ) from error
        return cls(header.classes, header.pixels, entries, header.changes)


def foreign_to_inventory(path: Path) -> str | None:
    """Why a file is no inventory of a run that may be replaced; None if it is one."""
    begins = b'{"classes":['
    return (
        None if output_places.head(path, len(begins)) == begins else "is no list of a run's images"
    )


class ListedImage(NamedTuple):
    """An image file of a data set: its split, its path, its path below the data set, its labels.

    `labels` is as of an `Entry`.
    """

    split: SplitName
    path: Path
    below: str
    labels: str


def listed_images(data: ImageData) -> list[ListedImage]:
    """Every image that is a file: the training images first, each split in its order."""
    root = data.root
    if root is None:
        return []
    return [
        ListedImage(name, Path(image), path_below(Path(image), root), _hash_of(label))
        for name in SPLITS
        for split in [getattr(data, name)]
        for image, label in zip(split.images, split.labels, strict=True)
    ]


def _hash_of(label: np.ndarray) -> str:
    """A hash of boxes `[M, 5]`; empty for a class, which is a part of the image's path."""
    if label.ndim == 0:
        return ""
    # Rows without a box are there because other images have more.
    return hashlib.sha256(label[label[:, 0] >= 0].tobytes()).hexdigest()


def path_below(image: Path, root: Path) -> str:
    """An image's path below `root`, with `/`; bytes that are no text are written as `\\xNN`."""
    # Not every file system's names are Unicode; JSON's and terminals' texts are.
    return os.fsencode(image.relative_to(root).as_posix()).decode(errors="backslashreplace")


def with_recorded_splits(data: ImageData, inventory: Inventory) -> ImageData:
    """The data with the splits of `inventory`, which is of the same files.

    Raises InputError for a class with no image left to learn from or to keep back.
    """
    if data.root is None:
        return data
    split_of = {entry.path: entry.split for entry in inventory.entries}
    labels = np.concatenate([data.train.labels, data.held_out.labels, data.test.labels])
    listed = listed_images(data)
    # In order of class and path, as folders are read; of boxes by path alone.
    classes = labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    order = sorted(range(len(listed)), key=lambda row: (classes[row], listed[row].path))
    train, held_out, test = (
        _split(listed, labels, [row for row in order if split_of[listed[row].below] == name])
        for name in SPLITS
    )
    _require_labels(train, data, "to learn from")
    _require_labels(held_out, data, "for the confusion matrix")
    return dataclasses.replace(data, train=train, held_out=held_out, test=test)


def _split(listed: Sequence[ListedImage], labels: np.ndarray, rows: list[int]) -> Split:
    return Split([listed[row].path for row in rows], labels[rows])


def _require_labels(split: Split, data: ImageData, what: str) -> None:
    """Refuse a split without an image of some class; of boxes, one without images."""
    kind = find_kind(data.kind)
    shown = kind.shown_classes(split.labels, len(data.classes)).any(axis=0)
    needed = kind.classifies or not len(split)
    lacking = np.flatnonzero(~shown)
    if needed and len(lacking):
        name = data.classes[int(lacking[0])]
        raise InputError(
            f"the class {name!r} has no image left {what}, so the run cannot go on; restore some, "
            "or train in another directory",
            code="data.invalid",
            name=name,
        )


def _first(paths: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(paths) - _MAX_NAMED:,} more" if len(paths) > _MAX_NAMED else ""
    return ", ".join(paths[:_MAX_NAMED]) + more
