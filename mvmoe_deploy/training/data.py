"""The images of a run: three splits, their classes, and what makes model input of them.

Where they come from is in `datasets/` and `folder.py`; in which order they are learned from, in
`batches.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.input_choices import InputChoices, resolve_input
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.preprocessing.resize_rules import RULE_FIELDS
from mvmoe_deploy.training.augment import Augmentation
from mvmoe_deploy.training.datasets import find_data_set, is_name
from mvmoe_deploy.training.datasets.contract import DataSet, LabelledFolder, Part
from mvmoe_deploy.training.folder import ImageFolder
from mvmoe_deploy.training.yolo_folder import YoloFolder


@dataclass(frozen=True)
class Split:
    """Images (uint8 arrays or paths) and their labels, as the kind of the data has them.

    `[N]` (int64) of classes; `[N, M, 5]` (fp32) of boxes in shares of the image.
    """

    images: Sequence[np.ndarray | Path]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageData:
    """The splits of a run: `train` is learned from, `held_out` gives the confusion matrix and the
    usage prior, `test` the figures of the report.
    """

    classes: tuple[str, ...]
    train: Split
    held_out: Split
    test: Split
    augment: Augmentation
    preprocessing: Preprocessing
    kind: str
    """The kind of outputs that the labels are of."""
    root: Path | None = None
    """The directory of the images; None where they are arrays."""

    @property
    def fingerprint(self) -> str:
        """A hash of the images and labels where they are arrays; files: see `inventory.py`."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for split in (self.train, self.held_out, self.test):
            digest.update(split.labels.tobytes())
            for image in split.images:
                digest.update(np.asarray(image).tobytes())
        return digest.hexdigest()


def class_names(data: str) -> tuple[str, ...]:
    """The class names of `data`; raises InputError if it is no data set and no image folder."""
    found = find_data_set(data)
    return _folder(Path(data)).classes if found is None else found.classes


def recipe(data: str) -> Mapping[str, Any]:
    """Training options that suit `data`; none for an image folder, which the defaults are for."""
    found = find_data_set(data)
    return _folder(Path(data)).recipe if found is None else found.recipe


def suited_preset(data: str) -> str:
    """The preset that suits `data`; raises InputError for image folders, which none suits."""
    found = find_data_set(data)
    if found is None:
        raise InputError(
            f"no preset was given for the images in {data}; give --preset NAME or --preset "
            "FILE.json of a model of their size, or --from CHECKPOINT",
            code="input.option",
            name="preset",
        )
    return found.preset


def image_directory(data: str) -> Path | None:
    """The directory that `data` is; None for the name of a data set."""
    return None if is_name(data) else Path(data)


def load_data(
    data: str,
    config: ModelConfig,
    choices: InputChoices | None = None,
    stated: Mapping[str, Any] | None = None,
) -> ImageData:
    """The splits of `data`, with what makes input of `config`'s size of an image.

    That is what `choices` say, else what is `stated` (fields of `Preprocessing`, of the model that
    a run starts from), else what suits the data. Raises InputError for a folder that is not laid
    out as `folder.py` says, and for statements that make no input.
    """
    choices, stated = choices or InputChoices(), stated or {}
    found = find_data_set(data)
    if found is None:
        return _files(Path(data), config, choices, stated)
    return _arrays(found, config, choices, stated)


def _input(
    config: ModelConfig, suited: Mapping[str, Any], stated: Mapping[str, Any], choices: InputChoices
) -> Preprocessing:
    """The input; what suits the data of a resize rule goes with that rule alone.

    Raises InputError for choices where the model alone says it.
    """
    if config.fixed_input is not None:
        _require_no_choices(choices)
        return config.fixed_input
    if "resize" in stated:
        suited = {name: value for name, value in suited.items() if name not in RULE_FIELDS}
    return resolve_input(config, {**suited, **stated}, choices).preprocessing


def _require_no_choices(choices: InputChoices) -> None:
    """Refuse what a person says of an input that the model's own code states."""
    if choices:
        raise InputError(
            "the input was described by options, but a model of your own says it in its attribute "
            "input; leave the options out",
            code="input.option",
            name="input",
        )


def _arrays(
    found: DataSet, config: ModelConfig, choices: InputChoices, stated: Mapping[str, Any]
) -> ImageData:
    """The images of a data set."""
    train, held_out, test = (_split(found, part) for part in ("train", "held-out", "test"))
    preprocessing = _input(config, found.suited_input(config), stated, choices)
    return ImageData(found.classes, train, held_out, test, found.augment, preprocessing, found.kind)


def _split(found: DataSet, part: Part) -> Split:
    """One split of a data set."""
    images, labels = found.split(part)
    return Split(list(images), labels)


def _folder(root: Path) -> LabelledFolder:
    """The folder in the form that it has."""
    return YoloFolder(root) if YoloFolder.fits(root) else ImageFolder(root)


def _files(
    root: Path, config: ModelConfig, choices: InputChoices, stated: Mapping[str, Any]
) -> ImageData:
    """The images of a folder."""
    folder = _folder(root)
    train, held_out, test = (Split(*folder.split(part)) for part in ("train", "held-out", "test"))
    preprocessing = _input(config, {}, stated, choices)
    return ImageData(
        folder.classes, train, held_out, test, folder.augment, preprocessing, folder.kind, root
    )
