"""Real images with their names and classes: of a data set, or a directory. No PyTorch here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.bundle.model_outputs import class_output, output_shapes
from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.outputs import DEFAULT_KIND, find_kind
from mvmoe_deploy.preprocessing import ImageLike, open_image, preprocess, transform_of
from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES
from mvmoe_deploy.preprocessing.screening import require_readable
from mvmoe_deploy.training.datasets import find_data_set
from mvmoe_deploy.training.datasets.contract import DataSet, LabelledFolder
from mvmoe_deploy.training.yolo_folder import YoloFolder


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

    @property
    def class_labels(self) -> np.ndarray | None:
        """The class `[n]` of each image; None where labels are not known, or others."""
        return self.labels if find_kind(self.kind).classifies else None


def load_samples(data: str, manifest: Manifest, most: int) -> Samples:
    """At most `most` images of `data` (a data set's name, or a directory), spread evenly over it.

    Of a data set they are the test split's. A directory holds a data set's files, or one folder of
    images for each class, or images and no folders, or the `train/` and `val/` that `mvmoe train`
    learns from (`val/` is taken), or images and boxes in YOLO's format. Raises InputError for
    classes that are not those of the bundle, ImageError that says how many images cannot be read.
    """
    found = find_data_set(data)
    if found is not None:
        return _of_data_set(found, data, manifest, most)
    if YoloFolder.fits(Path(data)):
        return _of_data_set(YoloFolder(Path(data)), data, manifest, most)
    images, classes = _directory(Path(data))
    labels = _class_indices(classes, manifest, f"data {data}") if classes else None
    rows = _spread(len(images), most)
    # Without labels there is no accuracy; answers are compared with PyTorch's all the same.
    known = np.array([labels[images[row].parent.name] for row in rows]) if labels else None
    names = tuple(str(images[row]) for row in rows)
    return Samples(names, _inputs((images[row] for row in rows), manifest), known)


def _of_data_set(
    found: DataSet | LabelledFolder, data: str, manifest: Manifest, most: int
) -> Samples:
    """Images of a data set's test split, or of a folder's."""
    images, labels = found.split("test")
    kind = find_kind(found.kind)
    output = next((each for each in manifest.outputs if each.kind == kind.name), None)
    rows = _spread(len(labels), most)
    chosen = [images[row] for row in rows]
    names = tuple(
        str(image) if isinstance(image, Path) else f"{data} test {row}"
        for row, image in zip(rows, chosen, strict=True)
    )
    inputs = _inputs(chosen, manifest)
    if output is None:
        return Samples(names, inputs)
    count = kind.classes(output_shapes(manifest)[output.name])
    indices = _indices(found.classes, output.labels, count, f"data {data}")
    numbers = np.array([indices[name] for name in found.classes])
    known = kind.renumbered(labels[rows], numbers)
    placed = [
        kind.labels_in_input(label, transform_of(open_image(image).size, manifest.input))
        for image, label in zip(chosen, known, strict=True)
    ]
    return Samples(names, inputs, np.stack(placed), found.kind)


def _directory(root: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Images in order of class and name, and the classes; no classes if there are no folders."""
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
            f"{', '.join(IMAGE_SUFFIXES)}, all in folders of classes or all without"
        )
    return inside or flat, tuple(images) if inside else ()


def _visible(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _class_indices(names: Sequence[str], manifest: Manifest, where: str) -> dict[str, int] | None:
    """The index of each class in the bundle's answer; raises InputError if there is none.

    None for a bundle that does not classify: folders say nothing of its answers then.
    """
    classes = class_output(manifest)
    return None if classes is None else _indices(names, classes.labels, classes.classes, where)


def _indices(
    names: Sequence[str], labels: Sequence[str] | None, count: int | None, where: str
) -> dict[str, int]:
    """The index of each class among an output's `count`; raises InputError if it is none of it."""
    if labels is None:
        if len(names) != count:
            raise InputError(
                f"{where} has {len(names)} classes, but the bundle answers with {count} that have "
                "no names; give data with these classes, or images without class folders"
            )
        return {name: index for index, name in enumerate(names)}
    if extra := [name for name in names if name not in labels]:
        raise InputError(
            f"{where} has the class {extra[0]!r}, which is none of the bundle's "
            f"{len(labels)} labels ({', '.join(labels[:5])}{', ...' * (len(labels) > 5)}); give "
            "data with these classes, or images without class folders"
        )
    return {name: labels.index(name) for name in names}


def _inputs(images: Iterable[ImageLike], manifest: Manifest) -> np.ndarray:
    """The images as input; raises ImageError that says how many cannot be read."""
    inputs: list[np.ndarray] = []
    errors: list[tuple[str, str]] = []
    for image in images:
        try:
            inputs.append(preprocess(image, manifest.input))
        except ImageError as error:
            errors.append((str(image), str(error)))
    require_readable(errors, of=len(inputs) + len(errors))
    return np.stack(inputs)


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` positions, evenly: images are sorted by class."""
    positions = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(position) for position in np.unique(positions)]
