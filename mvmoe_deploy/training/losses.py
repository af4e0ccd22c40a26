"""What a phase minimises: classification, and what makes its routers route.

Each objective takes the model and a batch and gives its terms, `loss` being what is minimised.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Objective = Callable[[nn.Module, Tensor, Tensor], dict[str, Tensor]]
"""`(model, images [B, C, H, W], labels [B]) -> named losses`, `loss` among them."""


def guide_loss(router_logits: Sequence[Tensor], targets: Tensor) -> Tensor:
    """Cross-entropy of the routers' scores against super-classes `[B]`, the mean over routers.

    arXiv 2309.04354, section 3.2: L_guide.
    """
    return torch.stack([F.cross_entropy(logits, targets) for logits in router_logits]).mean()


def importance_loss(router_logits: Sequence[Tensor]) -> Tensor:
    """CV^2 of the experts' importance, the mean over routers.

    The importance of an expert is the sum of its scores over the batch; V-MoE, arXiv 2106.05974,
    appendix A.1: `(std(Imp) / mean(Imp))^2`. Of the batch of one process.
    """
    return torch.stack([_squared_variation(logits) for logits in router_logits]).mean()


def _squared_variation(logits: Tensor) -> Tensor:
    """`var(Imp) / mean(Imp)^2` of router logits `[B, E]`; the variance of the population."""
    importance = logits.float().softmax(dim=-1).sum(dim=0)
    return importance.var(correction=0) / importance.mean().square()


def dense_objective(smoothing: float) -> Objective:
    """Cross-entropy of the answers, with label smoothing."""

    def objective(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        loss = F.cross_entropy(model(images), labels, label_smoothing=smoothing)
        return {"loss": loss, "classify": loss.detach()}

    return objective


def guided_objective(smoothing: float, weight: float, owner: Tensor) -> Objective:
    """`L_classify + weight * L_guide`; `owner` `[C]` is the super-class of each class."""

    def objective(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        output = model.forward_routed(images)
        classify = F.cross_entropy(output.logits, labels, label_smoothing=smoothing)
        guide = guide_loss(output.router_logits, owner.to(labels.device)[labels])
        loss = classify + weight * guide
        return {"loss": loss, "classify": classify.detach(), "guide": guide.detach()}

    return objective


def balanced_objective(smoothing: float, weight: float) -> Objective:
    """`L_classify + weight * L_importance`: routing that nobody guides."""

    def objective(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        output = model.forward_routed(images)
        classify = F.cross_entropy(output.logits, labels, label_smoothing=smoothing)
        balance = importance_loss(output.router_logits)
        loss = classify + weight * balance
        return {"loss": loss, "classify": classify.detach(), "balance": balance.detach()}

    return objective
