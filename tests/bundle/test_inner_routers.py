"""Routers inside of a graph, in a manifest: what it says of the graph, and what is refused."""

import copy
import json

import pytest
from expected_errors import raises
from valid_bundles import inner_routers

from mvmoe_deploy.bundle.graph_stages import (
    ROUTER_LOGITS,
    STEERING,
    columns_of,
    graph_stages,
    steering_type,
)
from mvmoe_deploy.bundle.manifest import given_by
from mvmoe_deploy.bundle.model_outputs import output_shapes
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError

VALID = inner_routers().manifest


def parsed(content):
    return parse_manifest(json.dumps(content).encode(), "the test")


def test_a_graph_with_its_routers_inside_is_one_stage():
    manifest = parsed(VALID)
    (whole,) = graph_stages(manifest, manifest.targets["onnx"])
    assert whole.rule is None
    assert whole.gives == {
        "answer": "step2.answer",
        "depth": "stem.depth",
        ROUTER_LOGITS: ROUTER_LOGITS,
    }
    assert given_by([whole])["step2.answer"] == 0
    assert graph_stages(manifest, manifest.targets["plain"]) == manifest.stages
    assert output_shapes(manifest) == {"answer": (3,), "depth": (5,)}


def test_logits_and_steering_have_a_place_for_each_router():
    rules = parsed(VALID).rules
    assert steering_type(rules, 2).shape == (2, 5)
    assert columns_of(rules) == [slice(0, 3), slice(3, 5)]
    graph = parsed(VALID).targets["executorch"].graphs[0]
    assert [spec.name for spec in graph.inputs] == ["image", STEERING]


@pytest.mark.parametrize("strategy", ["dispatch", "bind", "experts"])
def test_a_strategy_of_graphs_between_which_the_host_routes_is_refused(strategy):
    content = copy.deepcopy(VALID)
    content["targets"]["onnx"]["strategy"] = strategy
    with raises(BundleError, "bundle.routers-mismatch", target="onnx") as caught:
        parsed(content)
    assert (caught.value.code, caught.value.fields) == (
        "bundle.routers-mismatch",
        {"target": "onnx"},
    )
