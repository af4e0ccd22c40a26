"""From luma and chroma to red, green and blue, in integers of 32 bits."""

from dataclasses import dataclass

import numpy as np

_HALF = 1 << 15
_NEUTRAL = 128


@dataclass(frozen=True)
class YuvColour:
    """The factors of one matrix and range, times 65,536 and rounded."""

    black: int
    luma: int
    v_to_red: int
    u_to_green: int
    v_to_green: int
    u_to_blue: int

    def rgb(self, luma: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """`[h, w, 3]` (uint8) of luma `[h, w]` and chroma `[h / 2, w / 2]` (uint8)."""
        grey = (luma.astype(np.int32) - self.black) * self.luma + _HALF
        u, v = u.astype(np.int32) - _NEUTRAL, v.astype(np.int32) - _NEUTRAL
        red = self.v_to_red * v
        green = -self.u_to_green * u - self.v_to_green * v
        blue = self.u_to_blue * u
        rgb = np.empty((*luma.shape, 3), np.uint8)
        for channel, difference in enumerate((red, green, blue)):
            whole = difference.repeat(2, axis=0).repeat(2, axis=1)
            rgb[:, :, channel] = ((grey + whole) >> 16).clip(0, 255)
        return rgb


COLOURS: dict[tuple[str, str], YuvColour] = {
    ("bt601", "full"): YuvColour(0, 65536, 91881, 22553, 46802, 116130),
    ("bt601", "video"): YuvColour(16, 76309, 104597, 25675, 53279, 132201),
    ("bt709", "full"): YuvColour(0, 65536, 103206, 12276, 30679, 121609),
    ("bt709", "video"): YuvColour(16, 76309, 117489, 13975, 34925, 138438),
}
"""By matrix and range; `docs/bundle.md` has the same numbers."""

MATRICES = tuple(dict.fromkeys(matrix for matrix, _ in COLOURS))
RANGES = tuple(dict.fromkeys(value_range for _, value_range in COLOURS))
