"""The buffers of one inference, and how each strategy takes routes and gates."""

import numpy as np
import pytest

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.buffers import InferenceBuffers

ROUTES = np.array([[0, 2], [1, 2]])
GATES = np.array([[0.5, 0.25], [0.75, 0.125]], np.float32)


@pytest.fixture
def buffers(batched):
    bundle = Bundle.open(batched.path)
    return InferenceBuffers(bundle.manifest, bundle.target("onnx"))


def with_inputs(buffers, strategy, **shapes):
    """The buffers as of another strategy; inputs of the first routed stage are filled with 9."""
    buffers._strategy = strategy
    buffers.inputs[1] = {
        name: np.full(shape, 9, np.int64 if name == "experts" else np.float32)
        for name, shape in shapes.items()
    }
    return buffers.inputs[1]


def test_the_tokens_of_a_stage_are_those_that_the_stage_before_gave(buffers):
    for stage in (1, 2):
        assert buffers.inputs[stage]["tokens"] is buffers.outputs[stage - 1]["next_tokens"]


def test_shapes_are_those_of_the_manifest(buffers):
    assert buffers.image.shape == (4, 3, 8, 8)
    assert buffers.outputs[0]["logits"].shape == (4, 3)
    assert buffers.answer.shape == (4, 5)
    assert {array.dtype for array in buffers.inputs[1].values()} == {np.dtype(np.float32)}


def write_all(buffers, count=2):
    for image in range(count):
        buffers.route(1, image, ROUTES[image].tolist(), GATES[image].tolist())


def test_dispatch_takes_gates_alone(buffers):
    inputs = with_inputs(buffers, "dispatch", gates=(4, 2))
    write_all(buffers)
    np.testing.assert_array_equal(inputs["gates"], [*GATES.tolist(), [9, 9], [9, 9]])


def test_gather_takes_the_experts_too(buffers):
    inputs = with_inputs(buffers, "gather", gates=(1, 2), experts=(1, 2))
    write_all(buffers, count=1)
    np.testing.assert_array_equal(inputs["experts"], [[0, 2]])
    np.testing.assert_array_equal(inputs["gates"], [[0.5, 0.25]])


def test_all_experts_takes_zero_for_those_that_are_not_selected(buffers):
    inputs = with_inputs(buffers, "all-experts", gates=(3, 3))
    write_all(buffers)
    np.testing.assert_array_equal(inputs["gates"], [[0.5, 0, 0.25], [0, 0.75, 0.125], [9, 9, 9]])
