"""Moving blocks of pixels between space and channels."""

from typing import Any

import numpy as np


def pixel_shuffle(operation: Any) -> np.ndarray:
    """`[N, C * f * f, H, W]` to `[N, C, H * f, W * f]`, as in PyTorch."""
    x, factor = operation.x.val, int(operation.upscale_factor.val)
    count, channels, height, width = x.shape
    blocks = x.reshape(count, channels // factor**2, factor, factor, height, width)
    return _spread(blocks.transpose(0, 1, 4, 2, 5, 3))


def depth_to_space(operation: Any) -> np.ndarray:
    """The same with the block's position as the slowest part of the channel, as in TensorFlow."""
    x, factor = operation.x.val, int(operation.block_size.val)
    count, channels, height, width = x.shape
    blocks = x.reshape(count, factor, factor, channels // factor**2, height, width)
    return _spread(blocks.transpose(0, 3, 4, 1, 5, 2))


def pixel_unshuffle(operation: Any) -> np.ndarray:
    """The inverse of `pixel_shuffle`."""
    blocks = _blocks(operation.x.val, int(operation.downscale_factor.val))
    return _stacked(blocks.transpose(0, 1, 3, 5, 2, 4))


def space_to_depth(operation: Any) -> np.ndarray:
    """The inverse of `depth_to_space`."""
    blocks = _blocks(operation.x.val, int(operation.block_size.val))
    return _stacked(blocks.transpose(0, 3, 5, 1, 2, 4))


def _blocks(x: np.ndarray, factor: int) -> np.ndarray:
    """`[N, C, H, W]` as `[N, C, H / f, f, W / f, f]`."""
    count, channels, height, width = x.shape
    return x.reshape(count, channels, height // factor, factor, width // factor, factor)


def _spread(blocks: np.ndarray) -> np.ndarray:
    """`[N, C, H, f, W, f]` as an image."""
    count, channels, height, factor, width, _ = blocks.shape
    return blocks.reshape(count, channels, height * factor, width * factor)


def _stacked(blocks: np.ndarray) -> np.ndarray:
    """`[N, a, b, c, H, W]` with its middle as channels."""
    return blocks.reshape(blocks.shape[0], -1, *blocks.shape[4:])


KERNELS = {
    "depth_to_space": depth_to_space,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "space_to_depth": space_to_depth,
}
