"""The examples of `docs/examples`: short, exported to every target, and held to PyTorch."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from their_detector import TheirDetector

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_export import Identity, export_bundle
from mvmoe_export.parity.pytorch import verify_against_model

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CLASSES = {
    "cascade": "Cascade",
    "low_rank": "LowRankMoE",
    "other_detector": "OtherDetector",
    "task_moe": "TaskMoE",
}
CHOICES = {"task_moe": {"task": "depth", "power": "low"}}
"""What callers of a model choose, where they do."""

GIVEN = {
    "other_detector": lambda: {
        "theirs": TheirDetector(side=64, classes=3, widths=[6, 8, 8], experts=[2, 3, 3], k=2),
        "side": 64,
    }
}
"""What a model is made of, where it cannot be made of nothing."""

ROUTES = {"task_moe": ((0, 1), (0,))}
"""The routes that these are."""

TARGETS = ("onnx", "executorch", "coreml")

TOLERANCE = {"onnx": 1e-4, "executorch": 1e-4, "coreml": 2e-2}
"""Relative to the largest value: fp32 in another order of additions, and Core ML's fp16."""


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    made_of = GIVEN[name]() if name in GIVEN else {}
    return getattr(module, CLASSES[name])(**made_of).eval()


def test_every_example_is_tested_and_short():
    files = {path.stem: path for path in EXAMPLES.glob("*.py")}
    assert files.keys() == CLASSES.keys()
    for path in files.values():
        assert len(path.read_text().splitlines()) < 120


@pytest.fixture(scope="module", params=CLASSES)
def made(request, tmp_path_factory):
    """An example's name, its model, and its bundle for all targets."""
    model = load(request.param)
    path = tmp_path_factory.mktemp("examples") / f"{request.param}.bundle"
    export_bundle(model, path, targets=TARGETS, identity=Identity(name=request.param))
    return request.param, model, path


@pytest.fixture(scope="module")
def images(made):
    _, model, _ = made
    generator = torch.Generator().manual_seed(1)
    return torch.randn(9, *model.input.shape, generator=generator)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_answers_as_pytorch(made, images, target):
    name, model, path = made
    choices = CHOICES.get(name, {})
    with torch.no_grad():
        wanted = model(images, *([ROUTES[name]] if choices else [])).numpy()
    with Dispatcher.open(path, target, threads=1) as dispatcher:
        (together,) = dispatcher.run(images.numpy(), **choices).values()
        alone = [dispatcher.run(image[None].numpy(), **choices) for image in images[:2]]
        assert dispatcher.check().ok
    limit = TOLERANCE[target] * np.abs(wanted).max()
    np.testing.assert_allclose(together, wanted, rtol=0, atol=limit)
    for row, given in enumerate(alone):
        np.testing.assert_allclose(*given.values(), wanted[row : row + 1], rtol=0, atol=limit)


def test_all_targets_are_verified_against_the_model(made):
    _, model, path = made
    report = verify_against_model(Bundle.open(path), model)
    assert report.ok and report.targets.keys() == set(TARGETS)
