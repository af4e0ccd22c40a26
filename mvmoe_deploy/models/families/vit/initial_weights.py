"""The weights that the training of a dense ViT begins with.

As in "Better plain ViT baselines" (arXiv 2205.01580): sine-cosine positions, which are trained
further, and Glorot's uniform weights in the layers.
"""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.network import ViT
from mvmoe_deploy.preprocessing import Preprocessing

_LONGEST_WAVE = 10_000.0


def dense_start(config: ViTConfig, preprocessing: Preprocessing) -> ViT:
    """A ViT as its training begins, random from PyTorch's generator.

    The usual deviation of 0.02 is right for widths of thousands. At a width of 64 it makes layers
    that hardly change their input, and a short training loses its first third with that.
    """
    model = ViT(config, preprocessing)
    for module in model.blocks.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    with torch.no_grad():
        model.pos_embed[0, 1:] = sine_cosine_positions(config.grid, config.width)
    return model


def sine_cosine_positions(grid: int, width: int) -> Tensor:
    """Positions `[grid * grid, width]`: a quarter of the features each for the sine and cosine of
    row and column, at wave lengths from 2 pi to 10,000 * 2 pi; features left over are 0.
    """
    quarter = width // 4
    waves = _LONGEST_WAVE ** (-torch.arange(quarter, dtype=torch.float64) / max(1, quarter - 1))
    along = torch.arange(grid, dtype=torch.float64)
    rows, columns = (axis.flatten() for axis in torch.meshgrid(along, along, indexing="ij"))
    angles = torch.cat([rows[:, None] * waves, columns[:, None] * waves], dim=1)
    positions = torch.zeros(grid * grid, width)
    positions[:, : 4 * quarter] = torch.cat([angles.sin(), angles.cos()], dim=1).float()
    return positions
