"""*Resizing to the last rounding* of docs/bundle.md, written from the page alone."""

import numpy as np


def _bilinear(x):
    return np.maximum(0, 1 - np.abs(x))


def _bicubic(x):
    x, a = np.abs(x), -0.5
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x):
    return np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0)


_KERNELS = {"bilinear": (_bilinear, 1), "bicubic": (_bicubic, 2), "lanczos": (_lanczos, 3)}


def one_pass(pixels, outputs, ends, interpolation, wanted, *, widened=True):
    """Rows `[n, ...]` (uint8), `ends` of them, as `outputs` rows; gives the `wanted` ones.

    `widened=False` is a common mistake: a kernel that is not widened where the image is reduced.
    """
    first, last = ends
    scale = (last - first) / outputs
    if interpolation == "nearest":
        places = first + np.cumsum([scale / 2] + [scale] * (outputs - 1))
        return pixels[places.astype(int)[wanted]]
    if outputs == len(pixels) and first == 0 and last == len(pixels):
        return pixels[wanted]
    kernel, support = _KERNELS[interpolation]
    wide = max(scale, 1.0) if widened else 1.0
    rows = []
    for output in wanted:
        centre = first + (output + 0.5) * scale
        begin = max(int(centre - support * wide + 0.5), 0)
        end = min(int(centre + support * wide + 0.5), len(pixels))
        weights = kernel((np.arange(begin, end) - centre + 0.5) * (1 / wide))
        # A running sum in double: another order of adding can move the last bit.
        weights = weights / np.cumsum(weights)[-1]
        fixed = np.trunc(weights * 2**22 + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = np.tensordot(fixed, pixels[begin:end].astype(np.int64), axes=(0, 0))
        rows.append(np.clip((total + 2**21) >> 22, 0, 255))
    return np.array(rows, dtype=np.uint8)


def both_passes(pixels, whole, window, interpolation):
    """`[h, w, C]` resized to `whole` (width, height): the window (left, top, width, height)."""
    left, top, width, height = window
    columns, rows = range(left, left + width), range(top, top + height)
    wide = one_pass(
        pixels.swapaxes(0, 1), whole[0], (0, pixels.shape[1]), interpolation, list(columns)
    )
    return one_pass(wide.swapaxes(0, 1), whole[1], (0, pixels.shape[0]), interpolation, list(rows))
