"""Guiding routers to the super-class of each image's class: arXiv 2309.04354, section 3.2."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mvmoe_deploy.training.routings.contract import RouterLoss
from mvmoe_deploy.training.train_options import TrainOptions


class Guided:
    """What all guided routings have in common: the paper's L_guide."""

    guided = True

    def loss(self, super_classes: np.ndarray | None, options: TrainOptions) -> RouterLoss:
        """The guide to the expert `[C]` of each class, with `guide_weight`."""
        experts = torch.from_numpy(super_classes)

        def of(router_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
            return guide_loss(router_logits, experts.to(labels.device)[labels])

        return RouterLoss("guide", options.guide_weight, of)

    def remedy(self, options: TrainOptions) -> str:
        """A stronger guide, or more time to follow it."""
        return (
            f"raise --guide-weight (now {options.guide_weight:g}) or --moe-epochs (now "
            f"{options.moe_epochs})"
        )


def guide_loss(router_logits: Sequence[Tensor], targets: Tensor) -> Tensor:
    """Cross-entropy of the routers' scores against super-classes `[B]`, the mean over routers."""
    return torch.stack([F.cross_entropy(logits, targets) for logits in router_logits]).mean()
