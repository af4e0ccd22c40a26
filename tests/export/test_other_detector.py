"""A detector of another framework: its pickle becomes weights and numbers, and those a bundle."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from their_detector import TheirDetector

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.cli import main

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"


@pytest.fixture(scope="module")
def theirs():
    """The other framework's model, with routers that differ from image to image."""
    torch.manual_seed(0)
    model = TheirDetector(side=64, classes=3, widths=[6, 8, 8], experts=[2, 3, 4], k=2).eval()
    for layer in model.layers:
        if hasattr(layer, "router"):
            layer.router.linear.weight.data.mul_(20)
    return model


@pytest.fixture(scope="module")
def written(theirs, tmp_path_factory):
    """A folder with what the page's script has written beside their framework, and the adapter."""
    folder = tmp_path_factory.mktemp("theirs")
    torch.save({"model": theirs, "epoch": 7}, folder / "best.pt")
    page = (ROOT / "docs" / "detector.md").read_text()
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in script.splitlines() if line]) <= 10
    subprocess.run(
        [sys.executable, "-c", script, "best.pt"],
        cwd=folder,
        env={"PYTHONPATH": str(SUPPORT), "PATH": ""},
        check=True,
        timeout=300,
    )
    shutil.copy(ROOT / "docs" / "examples" / "other_detector.py", folder)
    return folder


def corners(found):
    """Their answer `[B, 4 + C, N]` as rows, by hand."""
    x, y, wide, tall, *scores = found.unbind(1)
    edges = [x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2]
    return torch.stack([*edges, *scores], dim=2)


def test_the_script_writes_weights_and_numbers(theirs, written):
    weights = load_file(written / "weights.safetensors")
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(weights[f"theirs.{name}"], tensor)
    assert "experts" in (written / "configuration.json").read_text()


def test_its_bundle_answers_as_the_other_framework(theirs, written, monkeypatch, capsys):
    monkeypatch.chdir(written)
    command = "export --model other_detector.py:make --checkpoint weights.safetensors"
    options = "--strategy experts --target onnx -o theirs.mvmoe --json"
    assert run([*command.split(), *options.split()]) == 0, capsys.readouterr().err
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = corners(theirs(images)).numpy()
    with Dispatcher.open("theirs.mvmoe", "onnx", threads=1) as dispatcher:
        graphs = dispatcher.target.graphs
        given = dispatcher.run(images.numpy())["found"]
        assert dispatcher.bundle.manifest.outputs[0].kind == "boxes"
    # The stem, nine experts, and a join for each of three stages.
    assert len(graphs) == 1 + 9 + 3
    # fp32 in another order of additions; the largest coordinate is about 64.
    assert abs(given - wanted).max() < 1e-3


def run(arguments):
    """The exit code of a command."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return exit_.value.code or 0
