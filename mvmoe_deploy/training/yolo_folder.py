"""Folders of images with boxes, in the format that YOLO's tools read.

    images/train/NAME.jpg   images/val/NAME.jpg    or all images in images/
    labels/train/NAME.txt   labels/val/NAME.txt    or all labels in labels/
    data.yaml (its `names`), or classes.txt (a name a line), also in labels/

A line of a label file is `class cx cy width height`, numbers behind the class in shares of the
image. An image without a file shows nothing. All files are untrusted: they are read up to limits,
and what is not as it has to be is one error with file and line.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES
from mvmoe_deploy.text import quoted
from mvmoe_deploy.training.augment import vary_scene
from mvmoe_deploy.training.class_names import is_label
from mvmoe_deploy.training.datasets.contract import Part
from mvmoe_deploy.training.splits import random_split

_MOST_BYTES = 1_000_000
"""Of a label file, and of the file of the names."""

_MOST_BOXES = 1000
"""Of one image."""

_MOST_CLASSES = 10_000

_SHARE = 0.1
"""Of the images that are learnt from, the share held out; without `val` also that of the test."""

_SHOWN = 60
"""Characters of a line that an error repeats."""


class _NamesInYaml(msgspec.Struct):
    """What is read of a data.yaml: a list, or a map from the numbers of all classes."""

    names: list[str | int] | dict[int, str | int]


class YoloFolder:
    """The images of a folder in this format."""

    kind = "boxes"
    recipe: Mapping[str, Any] = {
        "routings": ("end-to-end",),
        "dense_epochs": 60,
        "moe_epochs": 40,
        "batch_size": 32,
        "lr": 1e-3,
        "ema": 0.99,
        "balance_weight": 0.05,
    }
    augment = staticmethod(vary_scene)

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def fits(root: Path) -> bool:
        """Whether a directory is laid out so."""
        return (root / "images").is_dir() and (root / "labels").is_dir()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; raises InputError, MissingExtraError without PyYAML."""
        where = next((path for path in self._name_files() if path.is_file()), None)
        if where is None:
            raise _invalid(
                self.root, "it has neither data.yaml nor classes.txt, which name the classes"
            )
        names = _yaml_names(where) if where.suffix in (".yaml", ".yml") else _text_names(where)
        if not 1 <= len(names) <= _MOST_CLASSES:
            raise _invalid(where, f"it names {len(names):,} classes; 1 to {_MOST_CLASSES:,} may be")
        if unfit := [name for name in names if not is_label(name)]:
            raise _invalid(where, f"the class name {quoted(unfit[0])} is empty or no text")
        if len(set(names)) < len(names):
            raise _invalid(where, "it names a class twice")
        return names

    def split(self, part: Part) -> tuple[Sequence[Path], np.ndarray]:
        """Image files, and their boxes `[N, M, 5]` in shares of the image; M is that of all parts.

        Raises InputError for the first line that is no box, and for a part without any.
        """
        rows = self._parts[part]
        images, boxes = self._labelled
        labels = boxes[rows]
        if not (labels[:, :, 0] >= 0).any():
            raise _invalid(self.root, f"no image of the {part} part has a box")
        return [images[row] for row in rows], labels

    def _name_files(self) -> list[Path]:
        """Where the names of the classes may be, in the order in which they are looked for."""
        root = self.root
        yaml = [root / "data.yaml", root / "data.yml", root / "dataset.yaml"]
        return [*yaml, root / "classes.txt", root / "labels" / "classes.txt"]

    @cached_property
    def _parts(self) -> dict[Part, np.ndarray]:
        """The rows of each part in `_labelled`."""
        images, _ = self._labelled
        folder = self.root / "images" / "val"
        tested = np.array([image.is_relative_to(folder) for image in images], bool)
        if not tested.any():
            tested[random_split(len(images), max(1, round(_SHARE * len(images))))[1]] = True
        learnt = np.flatnonzero(~tested)
        if len(learnt) < 2:
            raise _invalid(
                self.root / "images", "it has fewer than two images to learn from and to hold out"
            )
        train, held_out = random_split(len(learnt), max(1, round(_SHARE * len(learnt))))
        return {
            "train": learnt[train],
            "held-out": learnt[held_out],
            "test": np.flatnonzero(tested),
        }

    @cached_property
    def _labelled(self) -> tuple[list[Path], np.ndarray]:
        """All images in order of path, and their boxes `[N, M, 5]`."""
        images = _images(self.root / "images")
        if not images:
            raise _invalid(
                self.root / "images", f"it has no file that ends in {', '.join(IMAGE_SUFFIXES)}"
            )
        classes = len(self.classes)
        found = [read_boxes(self._labels_of(image), classes) for image in images]
        boxes = np.zeros((len(images), max(map(len, found)) or 1, 5), np.float32)
        boxes[:, :, 0] = -1
        for row, each in zip(boxes, found, strict=True):
            row[: len(each)] = each
        return images, boxes

    def _labels_of(self, image: Path) -> Path:
        """The label file of an image, which need not be there."""
        below = image.relative_to(self.root / "images")
        return self.root / "labels" / below.with_suffix(".txt")


def read_boxes(path: Path, classes: int) -> np.ndarray:
    """The boxes `[M, 5]` (fp32) of a label file: class, left, top, right, bottom in shares.

    None of a file that does not exist. Raises InputError with the line that is no box.
    """
    if not path.exists():
        return np.zeros((0, 5), np.float32)
    lines = [line for line in enumerate(_text(path).splitlines(), start=1) if line[1].strip()]
    if len(lines) > _MOST_BOXES:
        raise _invalid(path, f"it has {len(lines):,} boxes; at most {_MOST_BOXES:,} are read")
    boxes = [_box(path, number, line, classes) for number, line in lines]
    return np.array(boxes, np.float32).reshape(-1, 5)


def _box(path: Path, number: int, line: str, classes: int) -> list[float]:
    """One line; raises InputError."""
    try:
        label, *places = map(float, line.split())
        x, y, width, height = places
    except ValueError:
        raise _bad_line(path, number, line, "it is not five numbers") from None
    if not all(map(math.isfinite, (label, *places))):
        raise _bad_line(path, number, line, "a number is not finite")
    if label != int(label) or not 0 <= label < classes:
        raise _bad_line(path, number, line, f"the class is none of 0 to {classes - 1}")
    if not all(0 <= share <= 1 for share in places) or min(width, height) == 0:
        raise _bad_line(
            path, number, line, "middle and size are shares from 0 to 1, and a side of 0 is no box"
        )
    # Rounded shares reach over the edge.
    edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return [label, *(min(max(edge, 0.0), 1.0) for edge in edges)]


def _images(folder: Path) -> list[Path]:
    """Sorted image files below a folder, hidden ones left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "." and path.is_file()
    )


def _text_names(path: Path) -> tuple[str, ...]:
    """A name a line; lines without one at the end do not count."""
    return tuple(line.strip() for line in _text(path).rstrip().splitlines())


def _yaml_names(path: Path) -> tuple[str, ...]:
    """The `names` of a data.yaml: a list, or a map from the numbers of all classes."""
    try:
        names = msgspec.yaml.decode(_text(path), type=_NamesInYaml).names
    except ImportError as error:
        raise MissingExtraError.from_import(
            error, "PyYAML, which reads data.yaml (classes.txt needs none),", "train"
        ) from error
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        reason = quoted(str(error), 2 * _SHOWN)
        raise _invalid(path, f"it does not name the classes ({reason})") from error
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            raise _invalid(path, "its `names` do not have the numbers 0, 1, 2, ...")
        names = [names[number] for number in range(len(names))]
    return tuple(map(str, names))


def _text(path: Path) -> str:
    """A text file of at most `_MOST_BYTES`."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise _invalid(path, f"it has more than {_MOST_BYTES:,} bytes")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(path, "it is no UTF-8 text") from error
    except OSError as error:
        raise _invalid(path, f"it cannot be read ({error.strerror})") from error


def _bad_line(path: Path, number: int, line: str, reason: str) -> InputError:
    found = f"line {number}"
    return _invalid(path, f"{found} is {quoted(line[:_SHOWN])}, and {reason}", name=found)


def _invalid(path: Path, reason: str, **fields: str) -> InputError:
    return InputError(
        f"data {path} cannot be used: {reason}; correct it, as docs/training.md has the format",
        code="data.invalid",
        path=str(path),
        **fields,
    )
