"""The contract between a routed model and everything that deploys it.

A user's own module satisfies it in about thirty lines (see `docs/own_model.md`).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule


@runtime_checkable
class RoutedModel(Protocol):
    """A PyTorch module that routes each image to experts, seen as stages.

    Invariants:

    - `stage(0, ())` is the stem. Its forward takes images `[B, C, H, W]` and gives
      `(tokens, logits)`: tokens of any shape `[B, ...]`, and the logits `[B, E]` of the first
      router. Of a dense model (`routing == ()`) it gives the answer alone.
    - `stage(i, route)`, i >= 1, is the i-th routed step for one route. Its forward takes
      `(tokens, gates)`, gates `[B, len(route)]` in the order of the route, and gives
      `(tokens, logits)` of the next router, or the answer `[B, classes]` if it is the last.
      Any non-empty tuple of distinct experts is a route here: all of them make the
      `all-experts` strategy, one graph per `k` of them the `dispatch` strategy.
    - A stage is an `nn.Module` that shares the model's parameters and copies none. Of two routes
      of the same length it has the same parameter names where the computation is the same, so
      that one exported graph can be bound to the weights of either.
    - `forward(images, routes=None)` gives the answer. Unless `routes` forces one route per
      routed stage, each image follows its own (`mvmoe_deploy.routing` has the rule). A forced
      route keeps the gates that the router's scores give its experts.
    - In evaluation mode nothing depends on the other images of a batch.
    """

    @property
    def input(self) -> Preprocessing:
        """The input and what makes it from an image."""

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One rule for each routed stage; empty for a dense model."""

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stage `index` for `route` (`()` for the stem), sharing the model's parameters."""

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """The answer `[B, classes]` for images `[B, C, H, W]`."""

    def __call__(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """As `forward`; an `nn.Module` has it."""
