"""Losses against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from mvmoe_deploy.models import find_family, preset
from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.training.losses import Objective
from mvmoe_deploy.training.routings import end_to_end, super_class
from mvmoe_deploy.training.routings.end_to_end import importance_loss
from mvmoe_deploy.training.routings.guiding import guide_loss
from mvmoe_deploy.training.train_options import TrainOptions

FAMILY = find_family("mobile_vmoe")

# softmax([ln 3, 0]) = [3/4, 1/4]; softmax([0, 0]) = [1/2, 1/2]
SKEWED, EVEN = [math.log(3.0), 0.0], [0.0, 0.0]


class Fixed(nn.Module):
    """Says the same of every batch."""

    def __init__(self, answers: list, routers: list[list]) -> None:
        super().__init__()
        self.output = RoutedOutput(
            torch.tensor(answers), [torch.tensor(logits) for logits in routers], [], []
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.output.logits

    def forward_routed(self, images: torch.Tensor) -> RoutedOutput:
        return self.output


def options(**fields: float) -> TrainOptions:
    return TrainOptions(config=preset("digits"), **fields)


def test_guide_loss_is_the_cross_entropy_against_the_super_class() -> None:
    loss = guide_loss([torch.tensor([SKEWED, SKEWED])], torch.tensor([0, 1]))
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


def test_guide_loss_is_the_mean_over_routers() -> None:
    loss = guide_loss([torch.tensor([SKEWED]), torch.tensor([EVEN])], torch.tensor([0]))
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_importance_loss_is_the_squared_coefficient_of_variation() -> None:
    # Importance [3/4 + 1/2, 1/4 + 1/2] = [5/4, 3/4]: mean 1, deviation 1/4.
    assert importance_loss([torch.tensor([SKEWED, EVEN])]).item() == pytest.approx(1 / 16)
    assert importance_loss([torch.tensor([EVEN, EVEN])]).item() == pytest.approx(0.0)


def test_guided_objective_adds_three_tenths_of_the_guide() -> None:
    model = Fixed([[0.0, 0.0, 0.0]], [[SKEWED]])
    guide = super_class.PART.loss(np.array([1, 0, 1]), options(guide_weight=0.3))
    objective = Objective(FAMILY, 0.0, guide)
    losses = objective(model, torch.zeros(1, 1, 1, 1), torch.tensor([2]))
    assert losses["classify"].item() == pytest.approx(math.log(3))
    assert losses["guide"].item() == pytest.approx(math.log(4))
    assert losses["loss"].item() == pytest.approx(math.log(3) + 0.3 * math.log(4))


def test_balanced_objective_adds_the_weighted_importance() -> None:
    model = Fixed([[0.0, 0.0], [0.0, 0.0]], [[SKEWED, EVEN]])
    balance = end_to_end.PART.loss(None, options(balance_weight=2.0))
    losses = Objective(FAMILY, 0.0, balance)(model, torch.zeros(2, 1, 1, 1), torch.tensor([0, 1]))
    assert losses["loss"].item() == pytest.approx(math.log(2) + 2 / 16)


def test_label_smoothing_spreads_a_share_over_all_classes() -> None:
    model = Fixed([SKEWED], [])
    losses = Objective(FAMILY, 0.2)(model, torch.zeros(1, 1, 1, 1), torch.tensor([0]))
    assert losses["loss"].item() == pytest.approx(0.9 * math.log(4 / 3) + 0.1 * math.log(4))
