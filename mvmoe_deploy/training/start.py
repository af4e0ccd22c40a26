"""Where the two kinds of model start from: a seed, or a dense model."""

from dataclasses import asdict

import torch
from torch import Tensor

from mvmoe_deploy.models.config import MobileVMoEConfig
from mvmoe_deploy.models.mobile_vmoe import MobileVMoE
from mvmoe_deploy.models.presets import build
from mvmoe_deploy.models.vit import ViT
from mvmoe_deploy.preprocessing import Preprocessing

_LONGEST_WAVE = 10_000.0


def dense_start(config: MobileVMoEConfig, preprocessing: Preprocessing, seed: int) -> ViT:
    """The dense twin with random weights and sine-cosine positions, which are learnt further.

    Beyer, Zhai, Kolesnikov, "Better plain ViT baselines" (arXiv 2205.01580). ViT's usual
    positions are a fiftieth of the patches they are added to: a short training would spend its
    first third on finding out where the patches are.
    """
    model = build(config.dense(), preprocessing, seed)
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
