"""A stem that takes pixels: normalisation becomes its first two operators.

An image input of Core ML has one scale for all channels, `Preprocessing` one for each; so they are
part of the program.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export.targets.coreml.options import require_one_image

_LAYOUTS = {"RGB": "RGB", "BGR": "BGR", "L": "GRAYSCALE"}


class _Normalised(nn.Module):
    """`body` on pixels `[1, C, H, W]` from 0 to 255."""

    scale: Tensor
    bias: Tensor

    def __init__(self, body: nn.Module, scale: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)

    def forward(self, image: Tensor) -> Any:
        """What the body gives on `image * scale + bias`, as `preprocessing.normalize` has it."""
        return self.body(image * self.scale + self.bias)


def take_pixels(
    program: ExportedProgram, spec: Preprocessing, batch: int
) -> tuple[ExportedProgram, str]:
    """The stem's program on pixels, and Core ML's name for the order of its channels.

    Raises InputError for a batch: an image input is one image.
    """
    require_one_image(batch)
    std = np.asarray(spec.std, np.float64)
    scale = torch.from_numpy((1 / (255 * std)).astype(np.float32)).reshape(1, -1, 1, 1)
    bias = torch.from_numpy((-np.asarray(spec.mean) / std).astype(np.float32)).reshape(1, -1, 1, 1)
    wrapped = _Normalised(program.module(check_guards=False), scale, bias)
    with torch.no_grad():
        exported = torch.export.export(wrapped, (torch.zeros(1, *spec.shape),), strict=False)
    return exported, _LAYOUTS[spec.channel_order]
