"""Real images with their names and classes: of a data set, or a directory. No PyTorch here."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import ClassOutput, outputs_by_kind
from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.outputs import DEFAULT_KIND, find_kind
from mvmoe_deploy.preprocessing import ImageLike, PreparedInput, Preprocessing, prepare
from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES
from mvmoe_deploy.preprocessing.screening import require_readable
from mvmoe_deploy.training.datasets import find_data_set
from mvmoe_deploy.training.datasets.contract import DataSet, LabelledFolder, Part
from mvmoe_deploy.training.yolo_folder import YoloFolder

_BLOCK_BYTES = 2**28
"""Of inputs that are in memory at a time, where images are answered block by block."""


@dataclass(frozen=True)
class Samples:
    """Preprocessed images `[n, C, H, W]` (fp32), their names, and their labels if known.

    Labels are of outputs of a `kind`: class indices `[n]`, or boxes `[n, M, 5]` in pixels of the
    input.
    """

    names: tuple[str, ...]
    inputs: np.ndarray
    labels: np.ndarray | None = None
    kind: str = DEFAULT_KIND
    """The kind of outputs that the labels are of."""
    groups: tuple[str, ...] | None = None
    """The classes by which the data have the images, whatever the model answers; None without."""
    real: bool = False
    """Whether somebody chose them: what a router does with synthetic ones says nothing of it."""

    @property
    def class_labels(self) -> np.ndarray | None:
        """The class `[n]` of each image; None where labels are not known, or others."""
        return self.labels if find_kind(self.kind).classifies else None


@dataclass(frozen=True)
class ImageTaker:
    """What takes images: the input that it wants, and the classes that it tells apart."""

    input: Preprocessing
    outputs: Mapping[str, ClassOutput]
    """Its first output of each kind that has classes, by the kind."""
    name: str = "bundle"
    """What it is called in messages."""

    @classmethod
    def of(cls, manifest: Manifest) -> "ImageTaker":
        """The model of a bundle."""
        return cls(manifest.input, outputs_by_kind(manifest))

    @property
    def classes(self) -> ClassOutput | None:
        """The output that says which class an image is of; None if the model has none."""
        return next((one for kind, one in self.outputs.items() if find_kind(kind).classifies), None)


@dataclass(frozen=True)
class ImageList:
    """Images that were found and not yet read; the rest as in `Samples`."""

    names: tuple[str, ...]
    images: Sequence[ImageLike]
    labels: np.ndarray | None
    """Places among them are those in the images."""
    groups: tuple[str, ...] | None
    kind: str = DEFAULT_KIND

    def blocks(self, spec: Preprocessing) -> Iterator[np.ndarray]:
        """The images as inputs `[n, C, H, W]` (fp32) of as many as fit into 256 MiB, in order.

        Raises ImageError that says how many of all cannot be read, after the block before the
        first of them.
        """
        size = max(1, _BLOCK_BYTES // (4 * math.prod(spec.shape)))
        errors: list[tuple[str, str]] = []
        for first in range(0, len(self.images), size):
            made, unreadable = _read(self.images[first : first + size], spec)
            errors += unreadable
            if not errors:
                yield np.stack([each.values for each in made])
        require_readable(errors, of=len(self.images))


def load_samples(data: str, manifest: Manifest, most: int) -> Samples:
    """At most `most` images of `data` (a data set's name, or a directory), spread evenly over it.

    Of a data set they are the test split's. A directory holds a data set's files, or one folder of
    images for each class, or images and no folders, or the `train/` and `val/` that `mvmoe train`
    learns from (`val/` is taken), or images and boxes in YOLO's format. Raises InputError for
    classes that are not those of the bundle, ImageError that says how many images cannot be read.
    """
    found = list_samples(data, ImageTaker.of(manifest), most)
    made, errors = _read(found.images, manifest.input)
    require_readable(errors, of=len(found.images))
    labels = None
    if found.labels is not None:
        pairs, kind = zip(found.labels, made, strict=True), find_kind(found.kind)
        labels = np.stack([kind.labels_in_input(label, each.transform) for label, each in pairs])
    return Samples(
        names=found.names,
        inputs=np.stack([each.values for each in made]),
        labels=labels,
        kind=found.kind,
        groups=found.groups,
        real=True,
    )


def list_samples(
    data: str, taker: ImageTaker, most: int, parts: Sequence[Part] = ("test",)
) -> ImageList:
    """The images that `load_samples` takes; raises InputError as it does.

    Of a data set they are those of `parts`.
    """
    found = find_data_set(data)
    if found is not None:
        return _of_data_set(found, data, taker, most, parts)
    if YoloFolder.fits(Path(data)):
        return _of_data_set(YoloFolder(Path(data)), data, taker, most, parts)
    images, classes = directory_images(Path(data))
    labels = None
    if classes and taker.classes is not None:  # Else folders say nothing of the answers.
        labels = class_indices(classes, taker.classes, taker.name, f"data {data}")
    chosen = [images[row] for row in _spread(len(images), most)]
    groups = tuple(image.parent.name for image in chosen) if classes else None
    # Without labels there is no accuracy; answers are compared with PyTorch's all the same.
    known = np.array([labels[name] for name in groups or ()]) if labels else None
    return ImageList(tuple(map(str, chosen)), chosen, known, groups)


def _of_data_set(
    found: DataSet | LabelledFolder, data: str, taker: ImageTaker, most: int, parts: Sequence[Part]
) -> ImageList:
    """Images of some splits of a data set, or of a folder with labels."""
    splits = {part: found.split(part) for part in parts}
    places = [(part, row) for part, (_, labels) in splits.items() for row in range(len(labels))]
    chosen = [places[position] for position in _spread(len(places), most)]
    images = [splits[part][0][row] for part, row in chosen]
    names = tuple(
        str(image) if isinstance(image, Path) else f"{data} {part} {row}"
        for image, (part, row) in zip(images, chosen, strict=True)
    )
    kind, labels = find_kind(found.kind), [splits[part][1][row] for part, row in chosen]
    groups = tuple(found.classes[label] for label in labels) if kind.classifies else None
    output = taker.outputs.get(kind.name)
    known = None
    if output is not None:
        indices = class_indices(found.classes, output, taker.name, f"data {data}")
        numbers = np.array([indices[name] for name in found.classes])
        known = kind.renumbered(np.stack(labels), numbers)
    return ImageList(names, images, known, groups, kind.name)


def directory_images(root: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Images in order of class and name, and the classes; no classes if there are no folders.

    Of a directory with `train/` and `val/` those of `val/`. Raises InputError for one without
    images, or with images both in folders and beside them.
    """
    if (root / "train").is_dir() and (root / "val").is_dir():
        root = root / "val"
    folders = sorted(path for path in _visible(root) if path.is_dir())
    flat = sorted(path for path in _visible(root) if _is_image(path))
    images = {folder.name: sorted(filter(_is_image, _visible(folder))) for folder in folders}
    inside = [image for found in images.values() for image in found]
    if bool(inside) == bool(flat):
        state = "images both in folders and beside them" if flat else "no images"
        raise InputError(
            f"data {root} holds {state}; expected files that end in "
            f"{', '.join(IMAGE_SUFFIXES)}, all in folders of classes or all without",
            code="data.invalid" if inside else "input.no-images",
            path=str(root),
        )
    return inside or flat, tuple(images) if inside else ()


def _visible(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def class_indices(
    names: Sequence[str], output: ClassOutput, taker: str, where: str
) -> dict[str, int]:
    """The index of each class in an output of `taker`; raises InputError if there is none."""
    labels = output.labels
    if labels is None:
        if len(names) != output.classes:
            raise InputError(
                f"{where} has {len(names)} classes, but the {taker} answers with "
                f"{output.classes} that have no names; give data with these classes, or images "
                "without class folders",
                code="data.invalid",
                name="classes",
                found=len(names),
                expected=output.classes,
            )
        return {name: index for index, name in enumerate(names)}
    if extra := [name for name in names if name not in labels]:
        raise InputError(
            f"{where} has the class {extra[0]!r}, which is none of the {taker}'s "
            f"{len(labels)} labels ({', '.join(labels[:5])}{', ...' * (len(labels) > 5)}); give "
            "data with these classes, or images without class folders",
            code="data.invalid",
            name=extra[0],
            found=len(extra),
            expected=list(labels[:5]),
        )
    return {name: labels.index(name) for name in names}


def _read(
    images: Sequence[ImageLike], spec: Preprocessing
) -> tuple[list[PreparedInput], list[tuple[str, str]]]:
    """The images as inputs, and of each that cannot be read its name and what is wrong."""
    inputs: list[PreparedInput] = []
    errors: list[tuple[str, str]] = []
    for image in images:
        try:
            inputs.append(prepare(image, spec))
        except ImageError as error:
            errors.append((str(image), str(error)))
    return inputs, errors


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` positions, evenly: images are sorted by class."""
    positions = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(position) for position in np.unique(positions)]
