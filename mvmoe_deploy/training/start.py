"""Where the two kinds of model start from: a seed, or a dense model."""

from dataclasses import asdict

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.families import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE, MobileVMoEConfig
from mvmoe_deploy.models.families.vit import ViT
from mvmoe_deploy.preprocessing import Preprocessing

_LONGEST_WAVE = 10_000.0


def dense_start(config: MobileVMoEConfig, preprocessing: Preprocessing, seed: int) -> ViT:
    """The dense twin as "Better plain ViT baselines" (arXiv 2205.01580) starts it.

    Sine-cosine positions, learnt further, and Glorot's uniform weights in the layers. The usual
    0.02 is right for a width of thousands; in 64 features it makes layers that add next to
    nothing to their input, and a short training would spend its first third on waking them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(config.dense(), preprocessing)
        for module in model.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
    with torch.no_grad():
        model.pos_embed[0, 1:] = sine_cosine_positions(config.grid, config.width)
    return model


def routed_start(dense: ViT, config: MobileVMoEConfig, seed: int) -> MobileVMoE:
    """A routed model whose experts are copies of `dense`'s MLPs; the seed decides its routers."""
    shared = asdict(dense.config)
    routing = {name: value for name, value in asdict(config).items() if name not in shared}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MobileVMoE.from_dense(dense, **routing)


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
