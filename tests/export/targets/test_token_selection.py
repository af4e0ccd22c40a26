"""A ViT whose experts choose tokens, on every target: as PyTorch, and in one piece."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.executorch import ExecuTorchOptions
from mvmoe_export.targets.onnx import OnnxOptions
from own_standing.data_selection import DataSelectionViT, Sizes

SIZES = Sizes(image=16, patch=4, width=16, depth=1, experts=2, classes=5)
PROFILES = "cpu", "nnapi", "coreml-ep"
TOLERANCE = 2e-5
"""Relative to the largest answer, fp32: sums in another order. Another token in the place of one
moves an answer by 1e-2 and more."""
EXPORTED = {
    "onnx": {"onnx": OnnxOptions(profile=PROFILES)},
    "executorch": {"executorch": ExecuTorchOptions(delegate=("xnnpack", "portable"))},
    "coreml": {"coreml": CoreMLOptions(precision="fp32")},
}


class Unrouted(DataSelectionViT):
    """As a model without a stage that a host routes."""

    routing = ()
    input = Preprocessing(height=SIZES.image, width=SIZES.image)

    def stage(self, index, route):
        return self

    def forward(self, images, routes=None):
        return super().forward(images)


@pytest.fixture(scope="session")
def model():
    torch.manual_seed(0)
    return Unrouted(SIZES).eval()


@pytest.fixture(scope="session", params=EXPORTED)
def made(request, made_once, model):
    """A bundle of one target, verified while it was exported."""
    options = ExportOptions(targets=EXPORTED[request.param])

    def write(path):
        export_bundle(model, path, targets=[request.param], options=options)

    path = made_once(f"token-selection-{request.param}.bundle", write)
    return SimpleNamespace(path=path, manifest=Bundle.open(path).manifest)


def test_every_target_answers_as_pytorch(made, model):
    """Noise, and images whose tokens are all alike: every score a tie."""
    images = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    images[0], images[1] = 0.5, -1.0
    with torch.no_grad():
        wanted = model(images).numpy()
    for target in made.manifest.targets:
        with Dispatcher.open(made.path, target, threads=1) as dispatcher:
            found = dispatcher.run(images.numpy())["answer"]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_delegates_take_it_whole(made):
    for name, target in made.manifest.targets.items():
        engine = {"executorch": "xnnpack", "onnx-nnapi": "nnapi", "onnx-coreml-ep": "coreml-ep"}
        if name not in engine:
            continue
        (graph,) = target.graphs
        (found,) = (place for place in graph.placement if place.engine == engine[name])
        assert found.partitions == 1
        assert not {*found.outside} - {"getitem"}
        assert "token-products" in target.rewrites


def test_the_processor_takes_rows(made):
    for name, target in made.manifest.targets.items():
        rows = {"token-rows", "flat-rows"} <= {*target.rewrites}
        assert rows == (name == "onnx"), name
        assert rows != ("token-products" in target.rewrites), name
