"""Luma for every pixel and chroma for blocks of 2 x 2: NV12, NV21, and three planes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.preprocessing.buffers.contract import PlaneLayout
from mvmoe_deploy.preprocessing.buffers.yuv import YuvColour

_ROWS = 64
"""Rows of luma that are converted at a time: the arithmetic takes four bytes a sample and more."""


@dataclass(frozen=True)
class Chroma420:
    """Luma is the first plane; `u`, `v` are (plane, sample) of the blue and the red difference."""

    chroma: tuple[PlaneLayout, ...]
    u: tuple[int, int]
    v: tuple[int, int]
    is_yuv = True

    @property
    def layouts(self) -> tuple[PlaneLayout, ...]:
        """Luma, then chroma."""
        return (PlaneLayout("luma"), *self.chroma)

    def pixels(self, planes: Sequence[np.ndarray], colour: YuvColour | None) -> np.ndarray:
        """Each chroma sample stands for its block: nothing is interpolated."""
        assert colour is not None  # a buffer of luma and chroma is not made without one
        luma = planes[0][:, :, 0]
        u, v = (planes[plane][:, :, sample] for plane, sample in (self.u, self.v))
        rgb = np.empty((*luma.shape, 3), np.uint8)
        for start in range(0, len(luma), _ROWS):
            rows, halved = slice(start, start + _ROWS), slice(start // 2, (start + _ROWS) // 2)
            rgb[rows] = colour.rgb(luma[rows], u[halved], v[halved])
        return rgb


def interleaved(u: int, v: int) -> Chroma420:
    """Both differences in one plane of pairs."""
    return Chroma420((PlaneLayout("chroma", 2, halved=True),), (1, u), (1, v))


def separate() -> Chroma420:
    """A plane for each difference, which may lie within each other (Android's `ImageProxy`)."""
    return Chroma420((PlaneLayout("U", halved=True), PlaneLayout("V", halved=True)), (1, 0), (2, 0))
