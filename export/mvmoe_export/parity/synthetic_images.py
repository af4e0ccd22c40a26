"""Images to compare on when no real ones are given: repeatable, and unlike each other."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mvmoe_deploy.preprocessing import Preprocessing, normalize


def synthetic_images(spec: Preprocessing, count: int, seed: int = 0) -> Tensor:
    """Model inputs `[count, C, H, W]` (fp32) of smooth random pictures.

    Plain noise looks the same to a router, image after image; pictures with structure at every
    scale spread over more routes.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (count, spec.channels)
    pixels = torch.zeros(*shape, spec.height, spec.width, dtype=torch.float32)
    for cells in (1, 2, 4, 8):
        coarse = torch.randn(*shape, cells, cells, generator=generator, dtype=torch.float32)
        pixels += F.interpolate(
            coarse, size=(spec.height, spec.width), mode="bilinear", align_corners=False
        )
    contrast = torch.rand(count, 1, 1, 1, generator=generator, dtype=torch.float32) * 80 + 20
    pixels = (128 + contrast * pixels).clamp(0, 255).to(torch.uint8)
    inputs = [normalize(picture.permute(1, 2, 0).numpy(), spec) for picture in pixels]
    return torch.stack([torch.from_numpy(array) for array in inputs])


def extreme_images(spec: Preprocessing) -> Tensor:
    """Model inputs `[n, C, H, W]` (fp32) from the edges of what a picture can be.

    Black, white and grey, each channel alone, halves, stripes and a board of single pixels, a
    gradient over the whole range, noise of all values and of the two outer ones, and a smooth
    picture with its contrast turned up until it saturates.
    """
    generator = torch.Generator().manual_seed(5)
    size = (spec.height, spec.width)
    whole = (spec.channels, *size)
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in size), indexing="ij")
    flat = [torch.full(size, level) for level in (0, 255, 128)]
    patterns = [
        (columns >= size[1] // 2) * 255,
        (rows + columns) % 2 * 255,
        rows // 2 % 2 * 255,
        (columns * 255) // max(size[1] - 1, 1),
    ]
    pictures = [pattern.expand(whole) for pattern in (*flat, *patterns)]
    if spec.channels > 1:
        pictures += [_only(channel, whole) for channel in range(spec.channels)]
    pictures.append(torch.randint(0, 256, whole, generator=generator))
    pictures.append(torch.randint(0, 2, whole, generator=generator) * 255)
    inputs = [_input(picture, spec) for picture in pictures]
    return torch.stack([*inputs, _saturated(spec)])


def input_range(spec: Preprocessing) -> tuple[Tensor, Tensor]:
    """The least and the largest input `[C, H, W]` (fp32) that a picture can make."""
    whole = (spec.channels, spec.height, spec.width)
    darkest, brightest = (_input(torch.full(whole, level), spec) for level in (0, 255))
    return torch.minimum(darkest, brightest), torch.maximum(darkest, brightest)


def _saturated(spec: Preprocessing) -> Tensor:
    """A smooth picture far beyond the range, cut off at both ends of it."""
    least, largest = input_range(spec)
    smooth = synthetic_images(spec, 1, seed=6)[0]
    middle = (least + largest) / 2
    return torch.clamp(middle + 8 * (smooth - middle), least, largest)


def _only(channel: int, whole: tuple[int, ...]) -> Tensor:
    picture = torch.zeros(whole, dtype=torch.int64)
    picture[channel] = 255
    return picture


def _input(picture: Tensor, spec: Preprocessing) -> Tensor:
    """The model's input for a picture `[C, H, W]` of 0 to 255."""
    pixels = picture.to(torch.uint8).permute(1, 2, 0).numpy()
    return torch.from_numpy(normalize(pixels, spec))
