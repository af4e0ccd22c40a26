"""Inputs that take pixels: from the model's normalised input back to what the image had."""

import numpy as np
from PIL import Image

from mvmoe_deploy.bundle.manifest import TensorSpec


def pixels(spec: TensorSpec, array: np.ndarray) -> np.ndarray:
    """The pixels (fp32 whole numbers, 0 to 255) whose normalised values are `array` `[B, C, H, W]`.

    Exact for what `preprocessing.normalize` has made; other values give the nearest pixel.
    `array` itself where the input takes normalised values.
    """
    if spec.pixels is None:
        return array
    scale, bias = (
        np.asarray(values, np.float32)[:, None, None]
        for values in (spec.pixels.scale, spec.pixels.bias)
    )
    nearest: np.ndarray = np.rint((array - bias) / scale).clip(0, 255)
    return nearest


def picture(spec: TensorSpec, array: np.ndarray) -> Image.Image:
    """The same as an image, for engines that take one at a time."""
    channels = pixels(spec, array)[0].astype(np.uint8)
    if len(channels) == 1:
        return Image.fromarray(channels[0])
    # Pillow has red first; the engine puts the channels into the order of its input.
    blue_first = spec.pixels is not None and spec.pixels.channel_order == "BGR"
    return Image.fromarray(
        np.ascontiguousarray(channels.transpose(1, 2, 0)[:, :, :: -1 if blue_first else 1])
    )
