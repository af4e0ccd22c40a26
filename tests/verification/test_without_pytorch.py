"""A bundle is verified and run in an installation without PyTorch and without the exporter."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

ABSENT = 'raise ModuleNotFoundError("No module named {0!r}", name={0!r})\n'


@pytest.fixture
def without_pytorch(tmp_path):
    """Runs the command where importing PyTorch, the exporter or the bench raises."""
    site = tmp_path / "absent"
    site.mkdir()
    for name in ("torch", "mvmoe_export", "mvmoe_bench"):
        (site / f"{name}.py").write_text(ABSENT.format(name))
    path = os.pathsep.join([str(site), *filter(None, sys.path)])

    def call(*arguments):
        command = [sys.executable, "-m", "mvmoe_deploy", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": path}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    return call


@pytest.fixture
def bundle(everything_made):
    return everything_made / "everything.mvmoe"


def test_a_bundle_is_verified_against_its_golden_vectors(without_pytorch, bundle):
    done = without_pytorch("verify", bundle, "--target", "onnx", "--target", "coreml", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] and report["reference"] == "golden"
    assert report["targets"]["onnx"]["stands_in_for"] is None
    if sys.platform != "darwin":
        assert report["targets"]["coreml"]["stands_in_for"] == "Core ML"


@pytest.mark.parametrize("target", ["onnx", "coreml"])
def test_a_bundle_is_run(without_pytorch, bundle, tmp_path, target):
    image = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)).save(image)
    done = without_pytorch("run", bundle, image, "--target", target, "--json")
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["results"]
    assert 0 < answer["probability"] <= 1


def test_a_checkpoint_needs_pytorch_and_says_so(without_pytorch, bundle, everything_made):
    checkpoint = everything_made / "tiny"
    done = without_pytorch("verify", bundle, "--checkpoint", checkpoint)
    assert done.returncode == 3
    assert "pip install 'mvmoe-deploy[export]'" in done.stderr
