"""The routed detector as a graph for each expert, on every target, by the boxes that are found."""

import numpy as np
import pytest
import torch
from small_detector import small_detector

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.preprocessing import normalize
from mvmoe_deploy.samples import Samples, load_samples
from mvmoe_deploy.training.datasets.shapes import CLASSES, draw_shapes
from mvmoe_deploy.verification.report_data import report_data
from mvmoe_export import Identity, export_bundle
from mvmoe_export.parity.pytorch import verify_against_model

TARGETS = ("onnx", "executorch", "coreml")


@pytest.fixture(scope="module")
def model():
    return small_detector()


@pytest.fixture(scope="module")
def bundle(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("detector") / "detector.mvmoe"
    identity = Identity(name="detector", labels=CLASSES)
    export_bundle(model, path, targets=TARGETS, strategy="experts", identity=identity)
    return Bundle.open(path)


@pytest.fixture(scope="module")
def samples(model):
    """Drawn images with their boxes in pixels of the input."""
    drawn = draw_shapes(12, side=64, seed=9)
    inputs = np.stack([normalize(image, model.input) for image in drawn.images])
    boxes = drawn.boxes.copy()
    boxes[:, :, 1:] *= 64
    return Samples(tuple(f"image {n}" for n in range(12)), inputs, boxes, "boxes")


def test_a_stage_has_a_graph_for_each_expert_and_a_join(bundle):
    for name in TARGETS:
        assert len(bundle.manifest.targets[name].graphs) == 1 + (2 + 3 + 2) + 3
    (output,) = bundle.manifest.outputs
    assert (output.kind, output.labels) == ("boxes", CLASSES)


def test_targets_find_the_boxes_of_pytorch(bundle, model, samples):
    report = verify_against_model(bundle, model, samples)
    assert report.ok, report.shortfall
    data = report_data(report, "detector.mvmoe")
    assert data.targets.keys() == set(TARGETS)
    for target in data.targets.values():
        assert target.outputs["found"].measure == "share of boxes found on both sides"
        assert target.outputs["found"].agreement > 0.9
        assert target.accuracy_measure == "mAP@0.5"
        # Core ML computes in fp16; nothing that was trained is near-tied so often.
        assert target.accuracy_target == pytest.approx(target.accuracy_pytorch, abs=0.02)


def test_boxes_are_there_to_be_compared(model, samples):
    from mvmoe_deploy.outputs.detections import detections_of

    with torch.no_grad():
        rows = model(torch.from_numpy(samples.inputs)).numpy()
    assert sum(len(detections_of(each).scores) for each in rows) > 50


def test_the_dispatcher_answers_a_photograph(bundle, model):
    drawn = draw_shapes(1, side=100, seed=4)
    with Dispatcher.open(bundle.path, "onnx", threads=1) as dispatcher:
        found = dispatcher.predict(np.ascontiguousarray(drawn.images[0, :60]))
    assert found.outputs["found"].shape == (84, 4 + 5)
    assert found.transform.image == (100, 60)
    with torch.no_grad():
        assert len(found.routes) == len(model.routing)


def test_a_data_sets_boxes_are_labels_in_pixels_of_the_input(bundle):
    given = load_samples("shapes", bundle.manifest, 5)
    assert given.kind == "boxes" and given.labels.shape[::2] == (5, 5)
    there = given.labels[..., 0] >= 0
    assert 10 < given.labels[there][:, 1:].max() <= 64
