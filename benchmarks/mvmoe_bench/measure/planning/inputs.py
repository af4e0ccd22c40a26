"""What subjects are asked: real images, or synthetic ones whose routes are imposed."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import ImageLike, Preprocessing, normalize
from mvmoe_deploy.preprocessing.decoding import open_image
from mvmoe_deploy.samples import ImageTaker, list_samples, load_samples
from mvmoe_deploy.training.datasets import find_data_set, is_name

SYNTHETIC = "synthetic"
_SYNTHETIC_IMAGES = 32
_PICTURES = 24
"""Of real images, those that are decoded and resized as a measurement of its own."""
_MOST_IMAGES = 400
_MOST_BYTES = 64 * 2**20
_MOST_SYNTHETIC_BYTES = 256 * 2**20
"""Preprocessed images are held in memory by every process that measures."""


@dataclass(frozen=True)
class Inputs:
    """Images, ready for every subject, in the order in which an application would see them."""

    source: str
    images: np.ndarray
    """`[n, C, H, W]`, fp32."""
    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    """The true class of each image, where it is known."""
    order: str
    """`name`, or `shuffled` where images came sorted by class."""
    pictures: tuple[ImageLike, ...] = ()
    """A few of the real images as they came; none of synthetic ones."""

    @property
    def sha256(self) -> str:
        """Of the images."""
        return hashlib.sha256(np.ascontiguousarray(self.images).data).hexdigest()

    @property
    def real(self) -> bool:
        """Whether routes may be left to the router."""
        return self.source != SYNTHETIC


def load_inputs(source: str, bundles: Sequence[Bundle], seed: int) -> Inputs:
    """The images of `source`: a data set's name, `synthetic`, or a directory.

    Raises InputError for bundles that do not take the same input, and for a directory without
    images; ImageError that names an image that cannot be read.
    """
    require_same_input(bundles)
    first = bundles[0]
    return _synthetic(first, seed) if source == SYNTHETIC else _real(source, first, seed)


def require_same_input(bundles: Sequence[Bundle]) -> None:
    """Refuse bundles that cannot be asked the same; raises InputError."""
    first, *others = bundles
    for other in others:
        if other.manifest.input != first.manifest.input:
            raise InputError(
                f"the bundles {first.path} and {other.path} do not take the same input "
                f"({_shown(first)} and {_shown(other)}); measure them in separate runs, and put "
                "the results side by side with mvmoe report --compare",
                code="results.unlike",
            )


def _real(source: str, bundle: Bundle, seed: int) -> Inputs:
    """A data set's images, or a directory's; shuffled if they are sorted by class."""
    most = _fitting(bundle.manifest.input, _MOST_IMAGES, _MOST_BYTES)
    samples = load_samples(source, bundle.manifest, most)
    names, labels = samples.names, _label_names(bundle, samples.class_labels, len(samples.names))
    sorted_by_class = find_data_set(source) is None and samples.class_labels is not None
    order = np.arange(len(names))
    if sorted_by_class:
        order = np.random.default_rng(seed).permutation(len(names))
    return Inputs(
        source=source if is_name(source) else str(Path(source)),
        images=np.ascontiguousarray(samples.inputs[order]),
        names=tuple(names[position] for position in order),
        labels=tuple(labels[position] for position in order),
        order="shuffled" if sorted_by_class else "name",
        pictures=tuple(list_samples(source, ImageTaker.of(bundle.manifest), _PICTURES).images),
    )


def picture_files(pictures: Sequence[ImageLike], folder: Path) -> tuple[str, ...]:
    """The files of pictures; those that came as pixels are written to `folder` as PNG."""
    found = []
    for number, picture in enumerate(pictures):
        if isinstance(picture, str | Path):
            found.append(str(Path(picture).resolve()))
        else:
            path = folder / f"picture-{number}.png"
            open_image(picture).save(path)
            found.append(str(path))
    return tuple(found)


def _label_names(bundle: Bundle, indices: np.ndarray | None, count: int) -> list[str | None]:
    """The names of class indices; a class without a name is called by its number."""
    if indices is None:
        return [None] * count
    classes = class_output(bundle.manifest)
    return [None if classes is None else classes.label(index) for index in indices]


def _synthetic(bundle: Bundle, seed: int) -> Inputs:
    """The bundle's golden images, and smooth random pictures."""
    golden = bundle.golden()["image"]
    spec = bundle.manifest.input
    count = _fitting(spec, _SYNTHETIC_IMAGES, _MOST_SYNTHETIC_BYTES)
    images = np.empty((count, *spec.shape), np.float32)
    images[: len(golden)] = golden[:count]
    for i in range(len(golden), count):
        normalize(smooth_picture(spec, seed + i - len(golden)), spec, out=images[i])
    names = tuple(
        f"golden {i}" if i < len(golden) else f"synthetic {i}" for i in range(len(images))
    )
    return Inputs(SYNTHETIC, images, names, (None,) * len(images), "name")


def _fitting(spec: Preprocessing, most: int, most_bytes: int) -> int:
    """How many preprocessed images to hold in `most_bytes`: at least one, at most `most`."""
    return max(1, min(most, most_bytes // (4 * math.prod(spec.shape))))


def smooth_picture(spec: Preprocessing, seed: int) -> np.ndarray:
    """Pixels `[H, W, C]` (uint8) of a picture with structure at several scales.

    Plain noise looks the same to every network, picture after picture.
    """
    rng = np.random.default_rng(seed)
    scales = [
        rng.standard_normal((cells, cells, spec.channels)).astype(np.float32)
        for cells in (1, 2, 4, 8)
    ]
    pixels = np.empty((spec.height, spec.width, spec.channels), np.uint8)
    # One channel after the other: of the largest inputs all at once would take gigabytes.
    for channel in range(spec.channels):
        layer = np.full((spec.height, spec.width), 128.0)
        for coarse in scales:
            cells = Image.fromarray(coarse[:, :, channel])
            grown = cells.resize((spec.width, spec.height), Image.Resampling.BILINEAR)
            layer += 45 * np.asarray(grown)
        pixels[:, :, channel] = layer.clip(0, 255, out=layer)
    return pixels


def _shown(bundle: Bundle) -> str:
    """A bundle's input for a message."""
    channels, height, width = bundle.manifest.input.shape
    return f"{width} x {height}, {bundle.manifest.input.channel_order}, {channels} channels"
