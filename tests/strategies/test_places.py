"""Which weights belong to the expert at which place: by memory, never by value."""

import itertools

import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.strategies.places import first_route, placed, placements, places_of_weights


class Route(nn.Module):
    """A weight that all share, and two of each expert."""

    def __init__(self, shared, experts):
        super().__init__()
        self.shared = shared
        self.experts = nn.ModuleList(experts)


@pytest.fixture
def build():
    shared = nn.Linear(2, 2)
    experts = [nn.Linear(2, 2) for _ in range(4)]
    for expert in experts:  # Zero biases are equal, and yet an expert's own.
        nn.init.zeros_(expert.bias)
    return lambda route: Route(shared, [experts[expert] for expert in route])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_weights_that_change_with_an_expert_belong_to_its_place(build, size):
    """With as many experts as places, too, where each expert is always on the route."""
    assert places_of_weights(4, size, build) == {
        f"experts.{place}.{kind}": place for place in range(size) for kind in ("weight", "bias")
    }


def test_of_one_expert_alone_nothing_changes(build):
    assert places_of_weights(1, 1, build) == {}


def test_an_expert_stands_at_its_place_and_every_other_stays_on_the_route():
    for size, expert in itertools.product((1, 2, 4), range(6)):
        for place in range(size):
            route = placed(expert, place, size)
            assert route[place] == expert
            assert len(set(route)) == size
    assert placed(1, 1, 3) == first_route(3)
    assert len(list(placements(6, 2))) == 12


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (nn.Linear(2, 2, bias=False), {"name": "bias"}),
        (nn.Linear(3, 2), {"name": "weight", "expected": [2, 2], "found": [2, 3]}),
    ],
)
def test_experts_of_other_names_or_shapes_are_refused(other, fields):
    experts = [nn.Linear(2, 2), nn.Linear(2, 2), other]
    with raises(InputError, "model.contract", **fields):
        places_of_weights(3, 1, lambda route: experts[route[0]])


def test_a_weight_of_some_experts_alone_still_belongs_to_the_place():
    """The last two have a bias in common."""
    experts = [nn.Linear(2, 2) for _ in range(3)]
    experts[2].bias = experts[1].bias
    found = places_of_weights(3, 1, lambda route: experts[route[0]])
    assert found == {"weight": 0, "bias": 0}
    assert torch.equal(experts[1].bias, experts[2].bias)
