"""Image folders: `train/<class>/<image>` and `val/<class>/<image>`, as ImageNet is laid out.

Only names are read here; an image is opened when it is needed.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES
from mvmoe_deploy.text import quoted
from mvmoe_deploy.training.augment import vary_photo
from mvmoe_deploy.training.class_names import is_label
from mvmoe_deploy.training.datasets.contract import Part
from mvmoe_deploy.training.splits import stratified_split

_HELD_OUT_SHARE = 0.1
"""Of the training images, the share kept back for the confusion matrix."""


class ImageFolder:
    """The images of a folder, labelled by the folders that they are in."""

    kind = "logits"
    recipe: Mapping[str, Any] = {}
    augment = staticmethod(vary_photo)

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def classes(self) -> tuple[str, ...]:
        """See `folder_classes`."""
        return folder_classes(self.root)

    def split(self, part: Part) -> tuple[Sequence[Path], np.ndarray]:
        """A tenth of `train/`, at least one image a class, is held out; `val/` is the test."""
        classes = self.classes
        if part == "test":
            return folder_images(self.root, "val", classes)
        paths, labels = self._train
        held_out = max(len(classes), round(_HELD_OUT_SHARE * len(labels)))
        parts = dict(zip(("train", "held-out"), stratified_split(labels, held_out), strict=True))
        rows = parts[part]
        return [paths[row] for row in rows], labels[rows]

    @cached_property
    def _train(self) -> tuple[tuple[Path, ...], np.ndarray]:
        return folder_images(self.root, "train", self.classes)


def folder_classes(root: Path) -> tuple[str, ...]:
    """The classes: the sorted names of the folders in `train/`.

    Raises InputError if there is no such directory or it holds fewer than two classes.
    """
    for part in ("train", "val"):
        if not (root / part).is_dir():
            raise InputError(
                f"data {root} has no {part}/ directory; give a directory with train/<class>/ and "
                "val/<class>/, or with MNIST's four IDX files",
                code="data.invalid",
                path=str(root),
                name=part,
            )
    classes = _folders(root / "train")
    if len(classes) < 2:
        raise InputError(
            f"data {root / 'train'} has {len(classes)} class folders; give at least two, one "
            "folder of images for each class",
            code="data.invalid",
            path=str(root / "train"),
        )
    for name in classes:
        _require_label(name, root / "train")
    if extra := sorted(set(_folders(root / "val")) - set(classes)):
        raise InputError(
            f"data {root / 'val'} has the class {extra[0]!r} that train/ lacks; add it there "
            "or remove it here",
            code="data.invalid",
            path=str(root / "val"),
            name=extra[0],
        )
    return classes


def folder_images(
    root: Path, part: str, classes: tuple[str, ...]
) -> tuple[tuple[Path, ...], np.ndarray]:
    """Paths and labels `[N]` of `part` (`train` or `val`), in order of class and name.

    Folders inside a class are searched too. Raises InputError if there is no image, or in
    `train` a class with fewer than two, or in `val` a class without any.
    """
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _images(root / part / name)
        if part == "train" and len(found) < 2:
            raise InputError(
                f"class folder {root / part / name} has {len(found)} images; give at least two: "
                "one is kept back for the confusion matrix",
                code="data.invalid",
                path=str(root / part / name),
                name=name,
            )
        paths += found
        labels += [label] * len(found)
    if not paths:
        raise InputError(
            f"data {root / part} holds no image; expected <class>/ folders with files that end "
            f"in {', '.join(IMAGE_SUFFIXES)}",
            code="data.invalid",
            path=str(root / part),
        )
    if lacking := [name for label, name in enumerate(classes) if label not in set(labels)]:
        raise InputError(
            f"data {root / part} has no image of {len(lacking)} of the {len(classes)} classes of "
            f"train/ ({', '.join(lacking[:3])}{', ...' * (len(lacking) > 3)}), so that they "
            "could not be evaluated; add some, or remove these classes from train/",
            code="data.invalid",
            path=str(root / part),
            name=lacking[0],
        )
    return tuple(paths), np.asarray(labels, dtype=np.int64)


def _require_label(name: str, where: Path) -> None:
    """Refuse a class whose name cannot be a label of a checkpoint and a bundle."""
    if not is_label(name):
        raise InputError(
            f"class folder {name!r} in {where} has a name with control characters or bytes that "
            "are no text; rename it: it becomes the label that users see",
            code="data.invalid",
            name=quoted(name),
        )


def _folders(parent: Path) -> tuple[str, ...]:
    """Sorted names of the directories in `parent`, hidden ones left out."""
    return tuple(
        sorted(path.name for path in parent.iterdir() if path.is_dir() and path.name[0] != ".")
    )


def _images(folder: Path) -> list[Path]:
    """Sorted image files below `folder`, hidden ones left out; none if it does not exist."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "." and path.is_file()
    )
