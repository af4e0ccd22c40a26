"""Weights as whole numbers of 4 bits, each group of an output's weights with a scale of its own.

    weight[o, i] = scale[o, i // 32] * int4[o, i],    scale[o, g] = max over i in g of |weight| / 7

Symmetric, as engines multiply fastest: -8 is not used.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

LARGEST = 7
GROUP = 32
"""Weights of one scale: what all engines have kernels for."""


def int4_by_group(weight: Tensor, scales: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """The whole numbers `[outputs, inputs]`, as int8, and the scales `[outputs, groups]`.

    Of a weight `[outputs, inputs]`; the last group of an output may have fewer weights. The scales
    are rounded to the type in which the engine has them before weights are divided by them. A group
    of zeros, or one whose scale is rounded to zero, has the scale 1.
    """
    outputs, inputs = weight.shape
    groups = -(-inputs // GROUP)
    grouped = pad(weight, (0, groups * GROUP - inputs)).reshape(outputs, groups, GROUP)
    largest = grouped.abs().amax(dim=2)
    scale = (largest / LARGEST).to(scales)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    divided = grouped.double() / scale.double()[:, :, None]
    whole = divided.round().clamp(-LARGEST, LARGEST).to(torch.int8)
    return whole.reshape(outputs, groups * GROUP)[:, :inputs].contiguous(), scale
