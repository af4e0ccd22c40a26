"""A routed detector that tests can afford: not trained, but sure of some boxes."""

import torch
from torch import nn

from mvmoe_deploy.models import build, preset
from mvmoe_deploy.models.families.routed_detector import RoutedDetector
from mvmoe_deploy.training.datasets.shapes import draw_shapes


def small_detector() -> RoutedDetector:
    """Seven experts in three stages; routers that differ from image to image."""
    config = preset("routed_detector_tiny").replace(experts=(2, 3, 2), head_width=8)
    made = build(config, seed=0)
    images = torch.from_numpy(draw_shapes(16, side=64).images).permute(0, 3, 1, 2) / 255
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        for scale in made.head.scales:
            nn.init.normal_(scale.scores.weight, std=1.0)
            nn.init.constant_(scale.scores.bias, -1.0)
        for _ in range(8):
            made(images)  # Statistics of the norms.
    return made.eval()
