"""What a target says of its compression and its accuracy, and the sentences that refuse it."""

import copy
import json

import pytest
from expected_errors import raises
from valid_bundles import compressed

from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError

VALID = compressed().manifest


@pytest.fixture
def target():
    """The target `onnx` of a manifest that `parse` reads: a stage of three experts, one of two."""
    return copy.deepcopy(VALID["targets"]["onnx"])


def parse(target):
    content = {**VALID, "targets": {"onnx": target}}
    return parse_manifest(json.dumps(content).encode(), "the test").targets["onnx"]


def refusal(target):
    """The sentence with which a target is refused as inconsistent."""
    with pytest.raises(BundleError) as caught:
        parse(target)
    assert caught.value.code == "bundle.manifest-inconsistent"
    return str(caught.value)


def test_a_target_says_what_was_compressed_and_what_that_cost(target):
    found = parse(target)
    assert (found.compression.weights, found.compression.layers) == ("int8", 2)
    assert [layer.operator for layer in found.compression.left] == ["linear", "linear"]
    assert found.compression.calibration.routed == ((9, 7, 0), (16, 0))
    assert found.parity.verification.accuracy.most_loss == 0.0045
    del target["compression"], target["parity"]["verification"]["accuracy"]
    found = parse(target)
    assert found.compression is None
    assert found.parity.verification.accuracy is None


def test_a_layer_that_was_left_is_of_a_graph_that_there_is(target):
    target["compression"]["left"][1]["graph"] = "step2_e1"
    assert (
        "target onnx has the layer 'Kopf 日本' that was not compressed in graph step2_e1, which it "
        "does not have"
    ) in refusal(target)


@pytest.mark.parametrize("field", ["routed", "forced"])
def test_images_are_counted_for_each_expert_of_each_routed_stage(target, field):
    target["compression"]["calibration"][field] = [[1, 1, 1], [1, 1, 1]]
    assert (
        f"the calibration of target onnx has the {field} images of [3, 3] experts by stage, where "
        "[3, 2] are expected"
    ) in refusal(target)


def test_a_loss_begins_with_its_smaller_end(target):
    target["parity"]["verification"]["accuracy"]["least_loss"] = 0.25
    assert (
        "target onnx loses at least 0.25 and at most 0.0045 of its accuracy; expected the smaller "
        "number first"
    ) in refusal(target)


def test_weights_alone_are_of_int8(target):
    """The suite of bundles has every tensor of a stage that may not be."""
    target["graphs"][1]["inputs"][1]["dtype"] = "int8"
    with raises(BundleError, "bundle.tensors-mismatch", graph="step1_e0") as caught:
        parse(target)
    assert "gates [1, 1] int8" in caught.value.fields["found"]
