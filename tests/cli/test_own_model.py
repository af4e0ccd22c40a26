"""`mvmoe export --model`: a user's own model, with the weights of a file."""

import json

import pytest
import torch

_CODE = """
import json
from pathlib import Path

from mvmoe_deploy.models import build
from mvmoe_deploy.models.presets import configuration


def make():
    return build(configuration(str(Path(__file__).parent / "tiny.json")), seed=1)


def talks():
    model = make()
    stage = model.stage

    def talking(index, route):
        print("hello from the model")
        return stage(index, route)

    model.stage = talking
    return model
"""

_TINY = {
    "image_size": 8, "patch_size": 4, "in_channels": 1, "num_classes": 3, "width": 16,
    "depth": 2, "heads": 2, "experts": 3, "moe_layers": 1,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tiny.json").write_text(json.dumps({"family": "mobile_vmoe", "config": _TINY}))
    (tmp_path / "own.py").write_text(_CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def model(folder):
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.presets import configuration

    return build(configuration(str(folder / "tiny.json")), seed=7)


def test_a_factory_and_its_weights_become_a_bundle(mvmoe, folder, model):
    torch.save(model.state_dict(), "weights.pt")
    code, _, err = mvmoe("export", "--model", "own.py:make", "-o", "own", "--skip-verify")
    assert code == 0, err
    words = ["--model", "own.py:make", "--checkpoint", "weights.pt", "-o", "loaded"]
    code, out, err = mvmoe("export", *words, "--json")
    assert code == 0, err
    made = json.loads(out)
    assert made["model"]["name"] == "make"
    assert made["source"]["checkpoint_sha256"] is not None
    blobs = [(folder / name / "onnx/weights.bin").read_bytes() for name in ("own", "loaded")]
    assert blobs[0] != blobs[1]


def test_what_a_model_prints_stays_off_stdout(mvmoe, folder):
    words = ["--model", "own.py:talks", "-o", "out", "--skip-verify", "--json"]
    code, out, err = mvmoe("export", *words)
    assert code == 0, err
    assert json.loads(out)["model"]["name"] == "talks"
    assert "hello from the model" in err


def test_one_of_several_sets_of_weights_is_named(mvmoe, model):
    other = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    torch.save({"ema": model.state_dict(), "raw": other}, "weights.pt")
    words = ["--model", "own.py:make", "--checkpoint", "weights.pt", "-o", "out", "--skip-verify"]
    code, out, _ = mvmoe("export", *words, "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (2, "checkpoint.weights-choice")
    assert error["fields"] == {"given": None, "available": ["ema", "raw"]}
    assert mvmoe("export", *words, "--weights", "ema")[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no model was given"),
        (["--checkpoint", "weights.pt"], "no model was given"),
        (["ck", "--model", "own.py:make"], "CHECKPOINT was given with --model"),
        (["--model", "own.py:make", "--mean", "0.5"], "--mean was given with --model"),
        (["--model", "own.py:other"], "no 'other'"),
        (["--model", "own.py:make", "--checkpoint", "other.pt"], "no set of weights"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_makes_no_model_is_one_sentence(mvmoe, words, says):
    torch.save({"weight": torch.zeros(2)}, "other.pt")
    code, out, err = mvmoe("export", *words, "-o", "out")
    assert (code, out) == (2, "")
    assert says in err and len(err.strip().splitlines()) == 1
