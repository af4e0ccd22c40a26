"""Colour profiles: what a file's numbers mean, as the sRGB numbers that models are trained on.

Phones and browsers do the same when they draw an image into an sRGB context. LittleCMS, by Pillow's
ImageCms, computes it; its versions differ by a level or two.
"""

import functools
import io
import logging
from dataclasses import dataclass

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

_GREY_RAMP = np.arange(256, dtype=np.uint8)[None]
_LATTICE = np.stack(
    np.meshgrid(*[np.linspace(0, 255, 17).round().astype(np.uint8)] * 3, indexing="ij"), axis=-1
).reshape(17, -1, 3)
"""The levels of grey, and a lattice of colours, that tell whether a profile is sRGB's."""

_CACHED_PROFILES = 4
"""Profiles whose conversion is kept: a folder of photos has few, and one may have megabytes."""

_ROUNDING_LEVELS = 1
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
    conversion = _usable(profile, mode, name)
    if conversion is None or conversion.changes_nothing:
        return image
    converted = image.convert(mode)
    if mode == "L":
        return converted.point(conversion.grey_levels)
    if mode == "CMYK":
        transformed = ImageCms.applyTransform(converted, conversion.transform)
        return converted if transformed is None else transformed
    # In its place: a large image is not held a third time.
    ImageCms.applyTransform(converted, conversion.transform, inPlace=True)
    return converted


@dataclass(frozen=True)
class _Conversion:
    """What a profile makes of pixels."""

    transform: ImageCms.ImageCmsTransform
    grey_levels: list[int]
    """What each level of grey becomes; empty for colours."""
    changes_nothing: bool
    """Whether the profile is that of sRGB: no colour moves by more than rounding."""


def _usable(profile: bytes, mode: str, name: str) -> _Conversion | None:
    """The conversion of pixels of `mode`; None, with a warning, if the profile is of no use."""
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise _UselessProfileError(f"has {len(profile):,} bytes")
        return _conversion(profile, mode)
    except ImportError as error:
        raise ImageError(
            f"{name} has a colour profile, and this Pillow was built without LittleCMS; install a "
            "Pillow wheel, or convert the image to sRGB",
            image=name.removeprefix("image "),
            found="no LittleCMS",
        ) from error
    except _UselessProfileError as error:
        reason = str(error)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        reason = f"is damaged ({one_line(error, 80)})"
    _log.warning(
        "the colour profile of %s %s; it is ignored, and the colours are taken as sRGB",
        one_line(name),
        reason,
    )
    return None


class _UselessProfileError(Exception):
    """Why a profile that is whole cannot be used, as the rest of a sentence."""


@functools.lru_cache(maxsize=_CACHED_PROFILES)
def _conversion(profile: bytes, mode: str) -> _Conversion:
    """The conversion of a profile, made once: it takes longer than decoding a small image.

    Threads may share it: LittleCMS keeps nothing of a call in a transform.
    """
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = opened.profile.xcolor_space.strip()
    if _SPACES.get(space) != mode:
        raise _UselessProfileError(f"is for {quoted(space)} colours, and the pixels are {mode}")
    srgb = ImageCms.createProfile("sRGB")
    flags = _flags(opened, mode)
    transform = ImageCms.buildTransform(opened, srgb, mode, "RGB", _INTENT, flags)
    if mode == "CMYK":
        return _Conversion(transform, [], False)
    before = _GREY_RAMP if mode == "L" else _LATTICE
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(before), transform))
    levels = after[0, :, 1] if mode == "L" else after
    moved = np.abs(levels.astype(int) - before).max()
    return _Conversion(
        transform, levels.tolist() if mode == "L" else [], bool(moved <= _ROUNDING_LEVELS)
    )


def _flags(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.Flags:
    """Whether LittleCMS may take its shortcuts: exact for matrices, off by 10 to 20 levels else.

    Without them a table (CMYK) takes seven times as long, and grey, of 256 levels, no time at all.
    """
    exact = mode == "RGB" and profile.profile.is_matrix_shaper
    return ImageCms.Flags.NONE if exact else ImageCms.Flags.NOOPTIMIZE
