"""Counting, on a model whose answers are given."""

import numpy as np
import pytest
import torch

from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.training.evaluation import Tally, tally


class Scripted(MobileVMoE):
    """Answers the class that an image's first pixel names; routes by the second and third."""

    def forward_routed(self, images, routes=None) -> RoutedOutput:
        said, one, two = images[:, 0, 0, :3].long().T
        experts = self.config.experts
        logits = 5.0 * torch.nn.functional.one_hot(said, self.config.num_classes)
        routers = [2.0 * torch.nn.functional.one_hot(one, experts).float()]
        images = torch.arange(len(said))
        gates = torch.zeros(len(said), experts)
        gates[images, one], gates[images, two] = 0.5, 0.3
        return RoutedOutput(logits, routers, [gates > 0], [gates])


def _images(said: list[tuple[int, int, int]]) -> torch.Tensor:
    images = torch.zeros(len(said), 1, 8, 8)
    images[:, 0, 0, :3] = torch.tensor(said, dtype=torch.float32)
    return images


@pytest.fixture
def counted(tiny_config) -> Tally:
    from dataclasses import replace

    model = Scripted(replace(tiny_config, num_classes=3, top_k=2))
    batches = [
        (_images([(0, 0, 1), (1, 0, 2)]), torch.tensor([0, 0])),
        (_images([(2, 2, 0), (2, 1, 2)]), torch.tensor([2, 2])),
    ]
    return tally(model, batches, torch.device("cpu"))


def test_answers_are_counted_by_true_class(counted: Tally) -> None:
    assert counted.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 2]]
    assert counted.accuracy == 0.75
    assert counted.soft_confusion.sum(axis=1) == pytest.approx([2, 0, 2])
    sure = np.exp(5) / (np.exp(5) + 2)
    assert counted.soft_confusion[2, 2] == pytest.approx(2 * sure)


def test_routes_and_gates_are_counted(counted: Tally) -> None:
    assert counted.used[0].tolist() == [[2, 1, 1], [0, 0, 0], [1, 1, 2]]
    assert counted.class_to_expert[0].tolist() == [[1, 0.5, 0.5], [0, 0, 0], [0.5, 0.5, 1]]
    assert counted.mean_gate == pytest.approx(0.4)
    shares = (RouteShare((0, 1), 0.25), RouteShare((0, 2), 0.5), RouteShare((1, 2), 0.25))
    assert counted.route_shares == (shares,)


def test_the_router_is_right_where_it_prefers_the_owner(counted: Tally) -> None:
    assert counted.router_accuracy(np.array([0, 1, 2])) == 0.75
    assert counted.router_accuracy(np.array([1, 0, 2])) == 0.25


def test_counts_of_processes_add_up(counted: Tally) -> None:
    import copy

    twice = copy.deepcopy(counted)
    twice.add(counted)
    assert twice.images == 8
    assert twice.accuracy == counted.accuracy
    assert twice.route_shares == counted.route_shares


def test_stages_may_have_different_numbers_of_experts(tiny_config) -> None:
    rules = (TopK(experts=4, k=1), TopK(experts=2, k=1))

    class Two(Scripted):
        routing = property(lambda self: rules)

        def forward_routed(self, images, routes=None) -> RoutedOutput:
            logits = torch.zeros(len(images), self.config.num_classes)
            routers = [torch.eye(4)[:2], torch.eye(2)]
            return RoutedOutput(logits, routers, [each > 0 for each in routers], routers)

    batch = (torch.zeros(2, 1, 8, 8), torch.tensor([0, 1]))
    found = tally(Two(tiny_config), [batch], torch.device("cpu"))
    assert found.used[:, :2].tolist() == [[[1, 0, 0, 0], [0, 1, 0, 0]]] * 2
    assert found.mean_gate == 1.0
