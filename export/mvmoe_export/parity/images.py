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
