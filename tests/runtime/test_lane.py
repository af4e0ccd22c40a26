"""The buffers of a lane, and how each strategy takes routes and gates."""

import numpy as np
import pytest

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.lane import Lane

ROUTES = np.array([[0, 2], [1, 2]])
GATES = np.array([[0.5, 0.25], [0.75, 0.125]], np.float32)


@pytest.fixture
def lane(batched):
    bundle = Bundle.open(batched.path)
    return Lane(bundle.manifest, bundle.target("onnx"))


def with_inputs(lane, strategy, **shapes):
    """The lane as one of another strategy, the inputs of its first routed stage filled with 9."""
    lane._strategy = strategy
    lane.inputs[1] = {
        name: np.full(shape, 9, np.int64 if name == "experts" else np.float32)
        for name, shape in shapes.items()
    }
    return lane.inputs[1]


def test_the_tokens_of_a_stage_are_those_that_the_stage_before_gave(lane):
    for stage in (1, 2):
        assert lane.inputs[stage]["tokens"] is lane.outputs[stage - 1]["next_tokens"]


def test_shapes_are_those_of_the_manifest(lane):
    assert lane.image.shape == (4, 3, 8, 8)
    assert lane.outputs[0]["logits"].shape == (4, 3)
    assert lane.answer.shape == (4, 5)
    assert {array.dtype for array in lane.inputs[1].values()} == {np.dtype(np.float32)}


def write_all(lane, count=2):
    for image in range(count):
        lane.route(1, image, ROUTES[image].tolist(), GATES[image].tolist())


def test_dispatch_takes_gates_alone(lane):
    inputs = with_inputs(lane, "dispatch", gates=(4, 2))
    write_all(lane)
    np.testing.assert_array_equal(inputs["gates"], [*GATES.tolist(), [9, 9], [9, 9]])


def test_gather_takes_the_experts_too(lane):
    inputs = with_inputs(lane, "gather", gates=(1, 2), experts=(1, 2))
    write_all(lane, count=1)
    np.testing.assert_array_equal(inputs["experts"], [[0, 2]])
    np.testing.assert_array_equal(inputs["gates"], [[0.5, 0.25]])


def test_all_experts_takes_zero_for_those_that_are_not_selected(lane):
    inputs = with_inputs(lane, "all-experts", gates=(3, 3))
    write_all(lane)
    np.testing.assert_array_equal(inputs["gates"], [[0.5, 0, 0.25], [0, 0.75, 0.125], [9, 9, 9]])
