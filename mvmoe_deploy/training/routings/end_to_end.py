"""Routers without a guide, kept in balance by V-MoE's importance loss (arXiv 2106.05974)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.models.balance import squared_variation
from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.routings.contract import RouterLoss
from mvmoe_deploy.training.train_options import TrainOptions


class EndToEnd:
    """The routers learn from the loss of the answers alone, and to use all experts."""

    name = "end-to-end"
    guided = False

    def super_classes(self, dense: Tally, experts: int, seed: int) -> None:
        """No class has an expert of its own."""

    def loss(self, super_classes: np.ndarray | None, options: TrainOptions) -> RouterLoss:
        """The importance loss, with `balance_weight`."""
        return RouterLoss("balance", options.balance_weight, _balance)


def _balance(router_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The importance loss, whatever the classes of the images."""
    return importance_loss(router_logits)


def importance_loss(router_logits: Sequence[Tensor]) -> Tensor:
    """CV^2 of the experts' importance, the mean over routers.

    The importance of an expert is the sum of its scores over the batch; V-MoE, arXiv 2106.05974,
    appendix A.1: `(std(Imp) / mean(Imp))^2`. Of the batch of one process.
    """
    return torch.stack([squared_variation(_importance(each)) for each in router_logits]).mean()


def _importance(logits: Tensor) -> Tensor:
    """The scores `[E]` of the experts over a batch, of router logits `[B, E]`."""
    return logits.float().softmax(dim=-1).sum(dim=0)


PART = EndToEnd()
