"""What a format of buffers says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mvmoe_deploy.preprocessing.buffers.yuv import YuvColour


@dataclass(frozen=True)
class PlaneLayout:
    """One plane of a format."""

    name: str
    """As people call it."""
    samples: int = 1
    """Bytes of a pixel, side by side."""
    halved: bool = False
    """Whether it has half the rows and columns: a sample for four pixels."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Columns and rows of the plane for an image of this size."""
        return (width // 2, height // 2) if self.halved else (width, height)


class BufferFormat(Protocol):
    """How planes become pixels."""

    @property
    def layouts(self) -> tuple[PlaneLayout, ...]:
        """Its planes, in the order in which a buffer has them."""

    @property
    def is_yuv(self) -> bool:
        """Whether the samples are luma and chroma, so that a matrix and a range give the colour."""

    def pixels(self, planes: Sequence[np.ndarray], colour: YuvColour | None) -> np.ndarray:
        """Grey `[H, W, 1]` or red, green, blue `[H, W, 3]` (uint8) of planes `[h, w, samples]`."""
