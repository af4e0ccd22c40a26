"""Weights as whole numbers of 8 bits, each output of a layer with a scale of its own.

    weight[o, i] = scale[o] * int8[o, i],    scale[o] = max over i of |weight[o, i]| / 127

As in Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference"
(arXiv 1806.08342), section 2.2: symmetric, so that no product of zero points is left.
"""

import torch
from torch import Tensor

LARGEST = 127


def int8_by_output(weight: Tensor, scales: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """The whole numbers `[outputs, inputs]` and the scales `[outputs]` of a weight of that shape.

    The scales are rounded to the type in which the engine has them before weights are divided by
    them. An output whose weights are all zero, or whose scale that type rounds to zero, has the
    scale 1. Ties are rounded to even.
    """
    largest = weight.abs().amax(dim=1)
    scale = (largest / LARGEST).to(scales)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    # In double precision: of tiny weights the quotient has few bits.
    whole = (weight.double() / scale.double()[:, None]).round().clamp(-LARGEST, LARGEST)
    return whole.to(torch.int8), scale
