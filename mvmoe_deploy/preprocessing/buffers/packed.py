"""Formats whose pixels are bytes side by side: grey, RGB, RGBA and BGRA."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.preprocessing.buffers.contract import PlaneLayout
from mvmoe_deploy.preprocessing.buffers.yuv import YuvColour


@dataclass(frozen=True)
class Packed:
    """One plane; alpha is dropped, and the colour under it stays, whatever it is."""

    samples: int
    channels: tuple[int, ...]
    """The places of red, green and blue, or of grey, among the samples of a pixel."""
    is_yuv = False

    @property
    def layouts(self) -> tuple[PlaneLayout, ...]:
        """The one plane."""
        return (PlaneLayout("pixel", self.samples),)

    def pixels(self, planes: Sequence[np.ndarray], colour: YuvColour | None) -> np.ndarray:
        """The samples in the order red, green, blue."""
        return np.stack([planes[0][:, :, place] for place in self.channels], axis=2)
