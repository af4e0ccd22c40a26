"""Manifests of targets with a graph for each expert, whole and hostile."""

import copy
import json

import pytest

from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP

GRAPHS = "bundle.graphs-mismatch"
TENSORS = "bundle.tensors-mismatch"


@pytest.fixture
def content(make_bundle):
    """The manifest of two of three experts, as plain data, fresh for each call."""
    root = make_bundle((TopK(experts=3, k=2),), ("experts",))
    text = (root / "manifest.json").read_text()
    return lambda: copy.deepcopy(json.loads(text))


def graphs(content):
    """The graphs of the routed stage by route; None is the key of the one that joins."""
    found = content["targets"]["onnx"]["graphs"]
    return {tuple(g["route"]) if g["route"] else None: g for g in found if g["stage"]}


def tensor(name, shape=(1, 5, 8), dtype="float32"):
    return {"name": name, "shape": list(shape), "dtype": dtype}


def test_what_is_taken_and_given_says_who_fills_which_slot(content):
    found = graphs(content())
    assert list(found) == [(0,), (1,), (2,), None]
    names = [spec["name"] for spec in found[None]["inputs"]]
    assert names == ["tokens", "slot0_output", "slot1_output", "gates"]
    parse_manifest(json.dumps(content()).encode(), "the test")


def test_an_expert_takes_some_of_its_stages_tensors_and_the_join_may_take_none(content):
    changed = content()
    graphs(changed)[None]["inputs"].pop(0)
    parse_manifest(json.dumps(changed).encode(), "the test")


def drop(route):
    """Leaves out a graph."""

    def change(content):
        target = content["targets"]["onnx"]
        target["graphs"].remove(graphs(content)[route])

    return change


def at(route, side, change):
    """Changes the inputs or outputs of a graph."""
    return lambda content: change(graphs(content)[route][side])


def every_expert(change):
    def changed(content):
        for route, graph in graphs(content).items():
            if route is not None:
                change(graph)

    return changed


def with_route(old, new):
    return lambda content: graphs(content)[old].update(route=new)


def take_a_slot(content):
    """The stage takes a tensor under the name of a slot."""
    content["stages"][1]["takes"] = {"slot0_output": content["stages"][1]["takes"]["tokens"]}
    for graph in graphs(content).values():
        for spec in graph["inputs"]:
            if spec["name"] == "tokens":
                spec["name"] = "slot0_output"


def gates_of(count):
    return lambda inputs: inputs[-1].update(shape=[1, count])


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (drop((1,)), GRAPHS, "has no graph for the route [1]"),
        (drop(None), GRAPHS, "has no graph"),
        (with_route((1,), [0, 1]), GRAPHS, "has no graph for the route [1]"),
        (with_route((1,), [0]), GRAPHS, "is there 2 times"),
        (with_route((2,), [3]), GRAPHS, "has no graph for the route [2]"),
        (at(None, "inputs", lambda given: given.pop(2)), TENSORS, "slot1_output [1, 5, 8]"),
        (
            at(None, "inputs", lambda given: given.insert(3, tensor("slot2_output"))),
            TENSORS,
            "slot2_output",
        ),
        (
            at(None, "inputs", lambda given: given.insert(1, given.pop(2))),
            TENSORS,
            "slot1_output [1, 5, 8] float32, slot0_output",
        ),
        (at(None, "inputs", gates_of(3)), TENSORS, "gates [1, 3]"),
        (at(None, "inputs", lambda given: given.pop()), TENSORS, "is expected"),
        (at(None, "inputs", lambda given: given[1].update(shape=[1, 8])), TENSORS, "slot0_output"),
        (at(None, "inputs", lambda given: given[1].update(dtype="float16")), TENSORS, "float16"),
        (at(None, "inputs", lambda given: given[0].update(name="other")), TENSORS, "other"),
        (at((1,), "inputs", lambda given: given.append(tensor("gates"))), TENSORS, "gates"),
        (at((1,), "inputs", lambda given: given[0].update(name="other")), TENSORS, "other"),
        (at((1,), "outputs", lambda given: given[0].update(name="other")), TENSORS, "other"),
        (at((1,), "outputs", lambda given: given[0].update(shape=[1, 9])), TENSORS, "[1, 9]"),
        (at((1,), "outputs", lambda given: given.append(tensor("more"))), TENSORS, "more"),
        (
            every_expert(lambda graph: graph["outputs"][0].update(shape=[5, 8])),
            TENSORS,
            "an expert of stage step1 of target onnx gives output of shape [5, 8]",
        ),
        (
            every_expert(lambda graph: graph["outputs"][0].update(dtype="int64")),
            TENSORS,
            "of type int64; expected float32 or float16",
        ),
        (take_a_slot, TENSORS, "which is the name of a slot"),
        (
            every_expert(lambda graph: graph["outputs"][0].update(shape=[1, 2**29])),
            "bundle.too-large",
            "which is too large",
        ),
    ],
)  # fmt: skip
def test_graphs_that_do_not_fit_together_are_refused(content, change, code, words):
    changed = content()
    change(changed)
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(changed).encode(), "the test")
    assert caught.value.code == code
    assert words in str(caught.value)


def test_a_manifest_of_another_strategy_has_no_graphs_of_experts(content):
    changed = content()
    changed["targets"]["onnx"]["strategy"] = "dispatch"
    with pytest.raises(BundleError) as caught:
        parse_manifest(json.dumps(changed).encode(), "the test")
    assert caught.value.code == GRAPHS


@pytest.mark.parametrize("k", [1, 2])
def test_an_expert_that_only_ends_images_has_no_graph(make_bundle, k):
    """With two experts on a route, another route may have the expert all the same."""
    rule = TopK(experts=3) if k == 1 else TopP(experts=3, p=0.5, k_max=2)
    root = make_bundle((TopK(experts=3, k=k),), ("experts",))
    content = json.loads((root / "manifest.json").read_text())
    content["usage_prior"] = None
    content["stages"][1]["finishes"] = [[1]]
    content["outputs"] = [{"name": "early", "kind": "tensor", "tensors": ["stem.tokens"]}]
    if k > 1:
        content["stages"][1]["rule"] = {"type": "top_p", "experts": 3, "p": 0.5, "k_max": 2}
    assert rule.longest == k
    complete = json.dumps(content).encode()
    drop((1,))(content)
    without = json.dumps(content).encode()
    good, bad = (without, complete) if k == 1 else (complete, without)
    parse_manifest(good, "the test")
    with pytest.raises(BundleError) as caught:
        parse_manifest(bad, "the test")
    assert caught.value.code == GRAPHS
