"""Colour profiles: what a file's numbers mean, as the sRGB numbers that models are trained on.

Phones and browsers do the same when they draw an image into an sRGB context. LittleCMS, by Pillow's
ImageCms, computes it; its versions differ by a level or two.
"""

import io
import logging

import numpy as np
from PIL import Image, ImageCms

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.text import one_line, quoted

MAX_PROFILE_BYTES = 8 * 2**20
"""Larger profiles are not read; those of printers have about two megabytes."""

_INTENT = ImageCms.Intent.PERCEPTUAL
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colour spaces of profiles, and the mode of the pixels that they describe."""

_MODES = {
    **dict.fromkeys(("1", "L", "LA"), "L"),
    **dict.fromkeys(("RGB", "RGBA", "RGBX", "P", "PA", "YCbCr"), "RGB"),
    "CMYK": "CMYK",
}
"""By the mode of an image the one that its profile describes; others are left alone."""

_STEPS = 17
"""Levels of each channel in the lattice of colours that tells whether a profile is sRGB's."""

_SAME = 1
"""Levels by which such a profile may move a colour: LittleCMS rounds."""

_log = logging.getLogger(__name__)


def to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """The pixels of an 8-bit image in sRGB; itself without a profile or with that of sRGB.

    A profile that cannot be used (damaged, or of another colour space than the pixels) is ignored
    with a warning of this module's logger, as phones ignore it: the numbers are then taken as
    sRGB. Raises ImageError if this Pillow has no LittleCMS.
    """
    mode = _MODES.get(image.mode)
    if not profile or mode is None:
        return image
    transform = _transform(profile, mode, name)
    if transform is None:
        return image
    if mode == "L":
        return image.convert("L").point(_grey_levels(transform))
    if mode == "RGB" and _changes_nothing(transform):
        return image
    converted = image.convert(mode)
    if mode != "RGB":
        return ImageCms.applyTransform(converted, transform)
    # In its place: a large image is not held a third time.
    ImageCms.applyTransform(converted, transform, inPlace=True)
    return converted


def _transform(profile: bytes, mode: str, name: str) -> ImageCms.ImageCmsTransform | None:
    """What turns pixels of `mode` into sRGB; None, with a warning, if the profile is of no use."""
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            return _ignored(name, f"has {len(profile):,} bytes")
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if _SPACES.get(space) != mode:
            return _ignored(name, f"is for {quoted(space)} colours, and the pixels are {mode}")
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(opened, srgb, mode, "RGB", _INTENT, _flags(opened, mode))
    except ImportError as error:
        raise ImageError(
            f"{name} has a colour profile, and this Pillow was built without LittleCMS; install a "
            "Pillow wheel, or convert the image to sRGB"
        ) from error
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return _ignored(name, f"is damaged ({one_line(error, 80)})")


def _flags(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.Flags:
    """Whether LittleCMS may take its shortcuts: exact for matrices, off by 10 to 20 levels else.

    Without them a table (CMYK) takes seven times as long, and grey, of 256 levels, no time at all.
    """
    exact = mode == "RGB" and profile.profile.is_matrix_shaper
    return ImageCms.Flags.NONE if exact else ImageCms.Flags.NOOPTIMIZE


def _ignored(name: str, reason: str) -> None:
    """Say that a profile is of no use."""
    _log.warning(
        "the colour profile of %s %s; it is ignored, and the colours are taken as sRGB",
        one_line(name),
        reason,
    )


def _grey_levels(transform: ImageCms.ImageCmsTransform) -> list[int]:
    """What each level of grey becomes; as it was if none moves by more than rounding."""
    before = np.arange(256, dtype=np.uint8)
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(before[None]), transform))[0, :, 1]
    return (before if _same(before, after) else after).tolist()


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a profile is that of sRGB: no colour of a lattice moves by more than rounding."""
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    before = lattice.reshape(_STEPS, -1, 3)
    return _same(before, np.asarray(ImageCms.applyTransform(Image.fromarray(before), transform)))


def _same(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether no level moved by more than rounding."""
    return bool(np.abs(after.astype(int) - before).max() <= _SAME)
