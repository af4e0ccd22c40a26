"""The images that `mvmoe run` is given: files, and directories as `verify --data` reads them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mvmoe_deploy.bundle.model_outputs import ClassOutput
from mvmoe_deploy.cli.output import note
from mvmoe_deploy.samples import class_indices, directory_images


class ImageToAnswer(NamedTuple):
    """An image file, and the class that the folder around it says; None where it says none."""

    path: Path
    expected: int | None = None


def images_to_answer(paths: Sequence[Path], output: ClassOutput | None) -> list[ImageToAnswer]:
    """Files as they are, and the images of directories in order of class and name.

    `output` is the model's that tells classes apart. Raises InputError for a directory without
    images, or with images both in folders and beside them.
    """
    found: list[ImageToAnswer] = []
    for path in paths:
        found += _of_directory(path, output) if path.is_dir() else [ImageToAnswer(path)]
    return found


def _of_directory(root: Path, output: ClassOutput | None) -> list[ImageToAnswer]:
    """The images of a directory, with their classes where its folders are those of the model."""
    images, folders = directory_images(root)
    known = _known(root, folders, output)
    return [ImageToAnswer(image, known.get(image.parent.name)) for image in images]


def _known(root: Path, folders: Sequence[str], output: ClassOutput | None) -> dict[str, int]:
    """The class of each folder; empty, and said on stderr, where they are not the model's."""
    if output is None or not folders:
        return {}
    strange = [name for name in folders if output.labels is not None and name not in output.labels]
    if strange or (output.labels is None and len(folders) != output.classes):
        which = f"{strange[0]!r} is none of its labels" if strange else "their number is another"
        note(
            f"the folders in {root} are no classes of the model ({which}), so no accuracy is shown"
        )
        return {}
    return class_indices(folders, output, "bundle", f"directory {root}")
