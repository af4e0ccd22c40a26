"""The arrays of one inference."""

import numpy as np
import pytest
from msgspec.structs import replace

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.bound_graph import Place
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.residency import Item, ItemSlot


@pytest.fixture
def bundle(batched):
    return Bundle.open(batched.path)


@pytest.fixture
def buffers(bundle):
    return InferenceBuffers(bundle.manifest, bundle.target("onnx"), bundle.strategy("onnx"))


@pytest.fixture
def graphs(bundle):
    """The graphs of the target by stage."""
    found = {}
    for graph in bundle.target("onnx").graphs:
        found.setdefault(graph.stage, []).append(graph)
    return found


def test_the_tokens_of_a_stage_are_those_that_the_stage_before_gave(bundle, buffers, graphs):
    for stage in (1, 2):
        for graph in graphs[stage]:
            given = buffers.tensors[bundle.manifest.stages[stage].takes["tokens"]]
            assert buffers.inputs(graph)["tokens"] is given


def test_graphs_of_one_stage_that_take_the_same_take_the_same_arrays(buffers, graphs):
    first, second, _ = graphs[1]
    assert buffers.inputs(first) is buffers.inputs(first)
    assert buffers.inputs(first)["gates"] is buffers.inputs(second)["gates"]
    assert buffers.inputs(first)["gates"] is not buffers.inputs(graphs[2][0])["gates"]


def test_an_image_that_other_stages_or_outputs_need_is_not_the_stems_alone(bundle, buffers):
    manifest = bundle.manifest
    stem, first, *others = manifest.stages
    takes = replace(first, takes={**first.takes, "picture": "image"})
    assert buffers.is_image_of_stem_alone
    other = replace(manifest, stages=(stem, takes, *others))
    made = InferenceBuffers(other, bundle.target("onnx"), bundle.strategy("onnx"))
    assert not made.is_image_of_stem_alone


def test_a_route_is_learnt_once(buffers, graphs):
    place = Place(ItemSlot("step1_e0", Item(1, 1), pinned=False), buffers.token, graphs[1][0], None)
    step = buffers.learn((place,), (0,))
    assert buffers.known == [{(0,): step}, {}]
    write, places = step
    write((0.5,))
    assert buffers.inputs(graphs[1][0])["gates"].tolist() == [[0.5], [0], [0], [0]]
    assert places == (place,)


def test_a_graph_that_takes_another_shape_has_an_array_of_its_own(buffers, graphs):
    first, second, _ = graphs[1]
    tokens, gates = second.inputs
    wider = replace(gates, shape=(4, 2))
    other = buffers.inputs(replace(second, inputs=(tokens, wider)))
    assert other["gates"].shape == (4, 2)
    assert buffers.inputs(first)["gates"].shape == (4, 1)


def test_routes_and_gates_are_written_as_the_strategy_does(buffers, graphs):
    graph = graphs[1][2]
    buffers.write(graph, 1, graph.route, (0.5,))
    assert buffers.inputs(graph)["gates"].tolist() == [[0], [0.5], [0], [0]]


def test_shapes_are_those_of_the_manifest(buffers, graphs):
    assert buffers.image.shape == (4, 3, 8, 8)
    assert buffers.outputs[0]["logits"].shape == (4, 3)
    assert buffers.results[-1]["answer"].shape == (4, 5)
    arrays = buffers.inputs(graphs[1][0])
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
