"""What subjects are asked: real images, or synthetic ones whose routes are imposed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing, normalize
from mvmoe_deploy.samples import DIGITS, load_samples

SYNTHETIC = "synthetic"
_SYNTHETIC_IMAGES = 32
_MOST_IMAGES = 400
_MOST_BYTES = 64 * 2**20
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

    @property
    def sha256(self) -> str:
        """Of the images."""
        return hashlib.sha256(np.ascontiguousarray(self.images).data).hexdigest()

    @property
    def real(self) -> bool:
        """Whether routes may be left to the router."""
        return self.source != SYNTHETIC


def load_inputs(source: str, bundles: Sequence[Bundle], seed: int) -> Inputs:
    """The images of `source`: `digits`, `synthetic`, or a directory.

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
                "the results side by side with mvmoe report --compare"
            )


def _real(source: str, bundle: Bundle, seed: int) -> Inputs:
    """The digits, or a directory's images; shuffled if they are sorted by class."""
    spec = bundle.manifest.input
    fit = _MOST_BYTES // (4 * int(np.prod(spec.shape)))
    samples = load_samples(source, bundle.manifest, max(1, min(_MOST_IMAGES, fit)))
    names, labels = samples.names, _label_names(bundle, samples.labels, len(samples.names))
    sorted_by_class = source != DIGITS and samples.labels is not None
    order = np.arange(len(names))
    if sorted_by_class:
        order = np.random.default_rng(seed).permutation(len(names))
    return Inputs(
        source=source if source == DIGITS else str(Path(source)),
        images=np.ascontiguousarray(samples.inputs[order]),
        names=tuple(names[position] for position in order),
        labels=tuple(labels[position] for position in order),
        order="shuffled" if sorted_by_class else "name",
    )


def _label_names(bundle: Bundle, indices: np.ndarray | None, count: int) -> list[str | None]:
    """The names of class indices; a class without a name is called by its number."""
    if indices is None:
        return [None] * count
    names = bundle.manifest.labels
    return [names[index] if names else str(index) for index in indices]


def _synthetic(bundle: Bundle, seed: int) -> Inputs:
    """The bundle's golden images, and smooth random pictures."""
    golden = bundle.golden()["image"]
    spec = bundle.manifest.input
    pictures = [normalize(smooth_picture(spec, seed + i), spec) for i in range(_SYNTHETIC_IMAGES)]
    images = np.concatenate([golden, np.stack(pictures)])[:_SYNTHETIC_IMAGES]
    names = tuple(
        f"golden {i}" if i < len(golden) else f"synthetic {i}" for i in range(len(images))
    )
    return Inputs(SYNTHETIC, np.ascontiguousarray(images), names, (None,) * len(images), "name")


def smooth_picture(spec: Preprocessing, seed: int) -> np.ndarray:
    """Pixels `[H, W, C]` (uint8) of a picture with structure at several scales.

    Plain noise looks the same to every network, picture after picture.
    """
    rng = np.random.default_rng(seed)
    pixels = np.full((spec.height, spec.width, spec.channels), 128.0)
    for cells in (1, 2, 4, 8):
        coarse = rng.standard_normal((cells, cells, spec.channels)).astype(np.float32)
        for channel in range(spec.channels):
            layer = Image.fromarray(coarse[:, :, channel])
            grown = layer.resize((spec.width, spec.height), Image.Resampling.BILINEAR)
            pixels[:, :, channel] += 45 * np.asarray(grown)
    return pixels.clip(0, 255).astype(np.uint8)


def _shown(bundle: Bundle) -> str:
    """A bundle's input for a message."""
    channels, height, width = bundle.manifest.input.shape
    return f"{width} x {height}, {bundle.manifest.input.channel_order}, {channels} channels"
