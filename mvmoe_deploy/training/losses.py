"""What a phase minimises: the family's own loss, and what guides the routers."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mvmoe_deploy.models.contract import Family, FamilyModel
from mvmoe_deploy.training.routings.contract import RouterLoss


@dataclass(frozen=True)
class Objective:
    """The loss of a phase."""

    family: Family[Any, Any]
    smoothing: float
    """Label smoothing."""
    router_loss: RouterLoss | None = None
    """None for a model without routers."""

    def __call__(self, model: FamilyModel, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Named losses of a batch, `[B, C, H, W]` and `[B]`: `loss` is minimised, and its terms.

        `model` is the family's, as it is or as Fabric wraps it.
        """
        output = model.forward_routed(images)
        terms = self.family.losses(output, labels, self.smoothing)
        first, *others = terms.values()
        loss = sum(others, start=first)
        if self.router_loss is not None:
            term = self.router_loss.of(output.router_logits, labels)
            loss = loss + self.router_loss.weight * term
            terms = {**terms, self.router_loss.name: term}
        return {"loss": loss, **{name: term.detach() for name, term in terms.items()}}
