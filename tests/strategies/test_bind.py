"""The strategy `bind`: a graph for each length of route."""

import itertools

import pytest

from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP
from mvmoe_deploy.strategies import find_strategy

BIND = find_strategy("bind")


@pytest.mark.parametrize("experts", [4, 64])
def test_a_rule_with_routes_of_one_length_has_one_graph_however_many_experts(experts):
    rule = TopK(experts=experts, k=2)
    assert list(BIND.graphs(rule)) == [(0, 1)]
    assert BIND.serving((1, 3)) == ((0, 1),)
    assert BIND.label(rule, (0, 1)) == "bind"


def test_routes_of_several_lengths_have_a_graph_each_length():
    rule = TopP(experts=6, p=0.5, k_max=3)
    assert list(BIND.graphs(rule)) == [(0,), (0, 1), (0, 1, 2)]
    assert BIND.serving((2, 5)) == ((0, 1),)
    labels = [BIND.label(rule, graph) for graph in BIND.graphs(rule)]
    assert labels == ["bind_1", "bind_2", "bind_3"]


def test_lengths_of_named_routes_are_the_graphs():
    rule = Given(experts=8, choice="task", named={"one": (7,), "three": (1, 2, 6)})
    assert list(BIND.graphs(rule)) == [(0,), (0, 1, 2)]
    assert BIND.example(rule, (0, 1, 2)) == (1, 2, 6)


def test_a_length_whose_routes_all_finish_the_image_needs_no_graph():
    rule = TopP(experts=3, p=0.9, k_max=2)
    ends = [(0,), (1,), (2,)]
    assert not BIND.is_needed(rule, (0,), ends)
    assert BIND.is_needed(rule, (0,), ends[:2])
    assert BIND.example(rule, (0,), ends[:2]) == (2,)
    assert BIND.is_needed(rule, (0, 1), ends)


def test_the_example_of_a_long_route_is_found_at_once():
    """A rule of 2^200 routes: those of the lengths before are not gone through."""
    rule = Threshold(experts=200, thresholds=(0.0,) * 200)
    assert BIND.example(rule, tuple(range(150))) == tuple(range(150))
    assert len(list(itertools.islice(BIND.graphs(rule), 3))) == 3
