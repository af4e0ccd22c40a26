"""Resizing the last two dimensions. The sampling grids are those of coremltools' documentation."""

from typing import Any

import numpy as np

from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.runners.coreml_reference.kernels.windows import optional


def resize_bilinear(operation: Any) -> np.ndarray:
    """Bilinear to a given size, on the grid of `sampling_mode`."""
    mode = operation.sampling_mode.val
    if mode not in _GRIDS:
        raise EngineError(f"the sampling mode {mode!r} is not known; expected {', '.join(_GRIDS)}")
    sizes = int(operation.target_size_height.val), int(operation.target_size_width.val)
    return _bilinear(operation.x.val, [_GRIDS[mode]] * 2, sizes)


def upsample_bilinear(operation: Any) -> np.ndarray:
    """Bilinear by a factor, corners aligned or centres of pixels."""
    aligned = bool(operation.align_corners.val)
    centred = bool(optional(getattr(operation, "half_pixel_centers", None), not aligned))
    grid = {
        (True, False): _strict_align_corners,
        (False, True): _unalign_corners,
        (False, False): _scaled,
    }
    if (aligned, centred) not in grid:
        raise EngineError("align_corners and half_pixel_centers are both set; expected one")
    return _bilinear(operation.x.val, [grid[aligned, centred]] * 2, _upsampled(operation))


def resize_nearest_neighbor(operation: Any) -> np.ndarray:
    """The nearest pixel before, to a given size."""
    sizes = int(operation.target_size_height.val), int(operation.target_size_width.val)
    return _nearest(operation.x.val, sizes)


def upsample_nearest_neighbor(operation: Any) -> np.ndarray:
    """The nearest pixel before, by a factor."""
    return _nearest(operation.x.val, _upsampled(operation))


def _upsampled(operation: Any) -> tuple[int, int]:
    """The size of the result of an op that has factors."""
    height, width = operation.x.val.shape[-2:]
    return (
        int(np.floor(operation.scale_factor_height.val * height)),
        int(np.floor(operation.scale_factor_width.val * width)),
    )


def _nearest(x: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """The pixel at `floor(i * old / new)` of each dimension."""
    rows, columns = (
        np.arange(new) * old // new for old, new in zip(x.shape[-2:], sizes, strict=True)
    )
    return x[..., rows[:, None], columns]


def _bilinear(x: np.ndarray, grids: list[Any], sizes: tuple[int, int]) -> np.ndarray:
    """Interpolate along the height, then along the width."""
    for axis, grid, new in zip((-2, -1), grids, sizes, strict=True):
        x = _linear(x, grid(x.shape[axis], new), axis)
    return x


def _linear(x: np.ndarray, points: np.ndarray, axis: int) -> np.ndarray:
    """Values between neighbours along one axis, at points that are held inside."""
    points = np.clip(points, 0, x.shape[axis] - 1)
    low = np.floor(points).astype(np.int64)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    share = (points - low).astype(np.float32)
    share = share[:, None] if axis == -2 else share
    between: np.ndarray = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return between


def _strict_align_corners(old: int, new: int) -> np.ndarray:
    return np.arange(new) * ((old - 1) / max(1, new - 1))


def _align_corners(old: int, new: int) -> np.ndarray:
    return np.array([(old - 1) / 2]) if new == 1 else _strict_align_corners(old, new)


def _unalign_corners(old: int, new: int) -> np.ndarray:
    return (np.arange(new) + 0.5) * (old / new) - 0.5


def _offset_corners(old: int, new: int) -> np.ndarray:
    return (np.arange(new) + 0.5) * (max(1, old - 1) / new)


def _default(old: int, new: int) -> np.ndarray:
    return np.arange(new) * ((old - old / new) / max(1, new - 1))


def _scaled(old: int, new: int) -> np.ndarray:
    return np.arange(new) * (old / new)


_GRIDS = {
    "STRICT_ALIGN_CORNERS": _strict_align_corners,
    "ALIGN_CORNERS": _align_corners,
    "UNALIGN_CORNERS": _unalign_corners,
    "OFFSET_CORNERS": _offset_corners,
    "DEFAULT": _default,
}

KERNELS = {
    "resize_bilinear": resize_bilinear,
    "resize_nearest_neighbor": resize_nearest_neighbor,
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest_neighbor": upsample_nearest_neighbor,
}
