"""V-MoE and Soft MoE on every target: as PyTorch, and in one piece."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.soft_moe import SoftMoEConfig
from mvmoe_deploy.models.families.vmoe import VMoEConfig
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.executorch import ExecuTorchOptions
from mvmoe_export.targets.onnx import OnnxOptions

SIZES = {
    "image_size": 16, "patch_size": 4, "in_channels": 1, "num_classes": 5, "width": 16, "depth": 1,
    "heads": 2, "mlp_ratio": 2.0, "experts": 3, "moe_layers": 1, "gelu": "tanh",
}  # fmt: skip
MODELS = {
    "vmoe": VMoEConfig(**SIZES, top_k=2, priority="confidence"),
    "soft_moe": SoftMoEConfig(**SIZES),
}
EXPORTED = {
    "onnx": {"onnx": OnnxOptions(profile=("cpu", "nnapi", "coreml-ep"))},
    "executorch": {"executorch": ExecuTorchOptions(delegate=("xnnpack",))},
    "coreml": {"coreml": CoreMLOptions(precision="fp32")},
}
ENGINES = {"executorch": "xnnpack", "onnx-nnapi": "nnapi", "onnx-coreml-ep": "coreml-ep"}
TOLERANCE = 2e-5
"""Relative to the largest answer, fp32: sums in another order. Another expert for one token moves
an answer by 1e-2 and more."""


@pytest.fixture(scope="session", params=MODELS)
def model(request):
    """Weights under which tokens take different experts, some without a place."""
    torch.manual_seed(0)
    found = build(MODELS[request.param], seed=0).eval()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return found


@pytest.fixture(scope="session", params=EXPORTED)
def made(request, made_once, model):
    """A bundle of one target, verified while it was exported."""
    options = ExportOptions(targets=EXPORTED[request.param])

    def write(path):
        export_bundle(model, path, targets=[request.param], options=options)

    path = made_once(f"{model.config.family}-{request.param}.bundle", write)
    return SimpleNamespace(path=path, manifest=Bundle.open(path).manifest)


def test_every_target_answers_as_pytorch(made, model):
    """Noise, and images whose patches are all alike: their tokens differ by positions alone."""
    images = torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    images[0], images[1] = 0.5, -1.0
    with torch.no_grad():
        wanted = model(images).numpy()
    for target in made.manifest.targets:
        with Dispatcher.open(made.path, target, threads=1) as dispatcher:
            found = dispatcher.run(images.numpy())["answer"]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_delegates_take_it_whole(made):
    for name, target in made.manifest.targets.items():
        (graph,) = target.graphs
        for found in graph.placement:
            if found.engine == ENGINES.get(name):
                assert found.partitions == 1
                assert not {*found.outside} - {"getitem"}
        assert name not in ENGINES or ENGINES[name] in [each.engine for each in graph.placement]


def test_the_processor_takes_rows_and_slots_are_no_choice(made, model):
    chooses = model.config.family == "vmoe"
    for name, target in made.manifest.targets.items():
        rewrites = {*target.rewrites}
        assert ("token-rows" in rewrites) == (chooses and name == "onnx"), name
        assert ("token-products" in rewrites) == (chooses and name != "onnx"), name
