"""Which strategy an export takes that leaves the choice to us, and what it says about it."""

import pytest
from expected_errors import raises
from torch import nn

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.strategies import find_strategy
from mvmoe_export.auto_strategy import choose_strategy


def test_few_routes_have_a_graph_each(zoo):
    chosen = choose_strategy(zoo.Foreign(experts=4, k=2, stages=2))
    assert chosen.name == "dispatch"
    assert "12 routes" in chosen.reason
    assert not chosen.refused


def test_many_routes_are_served_by_bound_weights(zoo):
    chosen = choose_strategy(zoo.Foreign(experts=16, k=3))
    assert chosen.name == "bind"
    assert "1 graphs serve 560 routes in 1 stages" in chosen.sentence


def test_many_stages_are_served_by_bound_weights(zoo):
    assert choose_strategy(zoo.Foreign(experts=2, stages=6)).name == "bind"


def test_what_could_not_serve_the_model_is_named_with_its_reason(zoo):
    """Four experts of different structures, and no room for a graph each."""
    chosen = choose_strategy(zoo.Different(), max_graphs=2)
    assert chosen.name == "all-experts"
    assert list(chosen.refused) == ["dispatch", "bind", "experts", "gather"]
    assert "bind cannot: " in chosen.sentence


def test_one_image_at_a_time_is_what_some_strategies_need(zoo):
    """Whatever is taken can serve the batch."""
    chosen = choose_strategy(zoo.Foreign(experts=16, k=3), batch=4)
    find_strategy(chosen.name).require_batch(4)


def test_a_model_that_none_can_serve_is_refused_by_the_last(zoo):
    with raises(InputError, "input.option", name="batch", given=0):
        choose_strategy(zoo.Foreign(), batch=0)


def test_every_built_in_strategy_can_be_chosen():
    ranks = [
        found.rank
        for name in part_lookup.built_in_names("strategies")
        if (found := find_strategy(name).suits(())) is not None
    ]
    assert len(ranks) == len(set(ranks)) == len(part_lookup.built_in_names("strategies"))


class Grouped(nn.Module):
    """An expert with a convolution of groups, over tokens `[B, 16]` as an image `[B, 4, 2, 2]`."""

    def __init__(self, groups):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, groups=groups)

    def forward(self, tokens):
        return self.conv(tokens.reshape(-1, 4, 2, 2)).reshape(tokens.shape)


def convolutional(zoo, groups):
    model = zoo.Foreign(experts=16, k=3, stages=1)
    model.experts = nn.ModuleList([nn.ModuleList(Grouped(groups) for _ in range(16))])
    return model


@pytest.mark.parametrize(
    ("targets", "groups", "wanted"),
    [
        (["onnx"], 4, "bind"),
        (["executorch"], 1, "bind"),
        (["executorch"], 4, "experts"),
        (["onnx", "executorch"], 4, "experts"),
    ],
)
def test_what_a_target_cannot_run_well_is_not_chosen(zoo, targets, groups, wanted):
    """XNNPACK leaves a convolution of groups whose weight is an input to slow kernels."""
    chosen = choose_strategy(convolutional(zoo, groups), targets=targets)
    assert chosen.name == wanted
    assert ("the convolution experts.0.conv" in chosen.refused.get("bind", "")) is (
        wanted != "bind"
    )


def test_an_export_takes_what_was_chosen(zoo, export):
    path = export(zoo.enliven(zoo.Foreign(experts=12, k=2, stages=1)), strategy="auto")
    assert Bundle.open(path).target("onnx").strategy == "bind"
