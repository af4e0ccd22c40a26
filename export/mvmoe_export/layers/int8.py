"""Weights as whole numbers of 8 bits, each output of a layer with a scale of its own.

    weight[o, i] = scale[o] * int8[o, i],    scale[o] = max over i of |weight[o, i]| / 127

As in Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference"
(arXiv 1806.08342), section 2.2: symmetric, so that no product of zero points is left.
"""

import torch
from torch import Tensor

LARGEST = 127


def int8_by_output(weight: Tensor) -> tuple[Tensor, Tensor]:
    """The whole numbers `[outputs, inputs]` and the scales `[outputs]` of a weight of that shape.

    An output whose weights are all zero has the scale 1. Ties are rounded to even.
    """
    largest = weight.abs().amax(dim=1)
    scale = torch.where(largest > 0, largest / LARGEST, torch.ones_like(largest))
    # In double precision: the scale of tiny weights is rounded, and the largest must be 127.
    whole = (weight.double() / scale.double()[:, None]).round().clamp(-LARGEST, LARGEST)
    return whole.to(torch.int8), scale
