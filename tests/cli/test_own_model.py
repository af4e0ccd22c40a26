"""`--model`: a user's own model, with the weights of a file, in every command."""

import json
from pathlib import Path

import banded_moe
import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

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
        (["--checkpoint", "other.pt"], "no model was given"),
        (["other.pt", "--model", "own.py:make"], "CHECKPOINT was given with --model"),
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The checkpoint of an own module that was trained for a moment, its bundle and its images."""
    from mvmoe_deploy import cli

    root = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 2)):
        for channel, name in enumerate(("blue", "green", "red")):
            (root / "images" / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 80, size=(20, 24, 3), dtype=np.uint8)
                pixels[:, :, 2 - channel] += 150
                Image.fromarray(pixels).save(root / "images" / part / name / f"{number}.png")
    train = ["train", *_OWN, "--data", "images", "-o", "run", "--moe-epochs", "1", "--threads", "1"]
    export = ["export", *_OWN, "--checkpoint", "run/end-to-end", "-o", "bundle", "--skip-verify"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for words in (train, export):
            with pytest.raises(SystemExit) as ended:
                cli.main(words)
            assert ended.value.code == 0
    return root


_OWN = ("--model", "banded_moe:make")


@pytest.fixture
def at_trained(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


@pytest.mark.usefixtures("at_trained")
def test_a_bundle_has_the_labels_of_the_training(mvmoe):
    code, out, _ = mvmoe("inspect", "bundle", "--json")
    described = json.loads(out)
    assert code == 0
    assert described["outputs"][0]["labels"] == ["blue", "green", "red"]
    assert described["source"]["checkpoint_sha256"] is not None


@pytest.mark.usefixtures("at_trained")
def test_verify_compares_a_bundle_with_the_own_module(mvmoe):
    words = ("verify", "bundle", *_OWN, "--data", "images")
    code, out, err = mvmoe(*words, "--checkpoint", "run/end-to-end", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["reference"], found["images"]) == ("pytorch", 6)
    assert found["targets"]["onnx"]["accuracy_pytorch"] is not None
    code, out, _ = mvmoe(*words, "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"], error["fields"]["name"]) == (2, "input.option", "checkpoint")


@pytest.mark.usefixtures("at_trained")
def test_another_own_module_is_not_that_of_the_bundle(mvmoe):
    mvmoe("init", *_OWN, "-o", "others.safetensors", "--seed", "9", "--force")
    words = ("bundle", *_OWN, "--checkpoint", "others.safetensors", "--json")
    for command in (("verify",), ("routing", "--data", "images")):
        code, out, _ = mvmoe(*command, *words)
        assert (code, json.loads(out)["error"]["code"]) == (2, "checkpoint.other-model")


@pytest.mark.usefixtures("at_trained")
def test_routing_judges_a_bundle_beside_the_own_module(mvmoe):
    words = ("routing", "bundle", *_OWN, "--checkpoint", "run/end-to-end", "--data", "images")
    code, out, err = mvmoe(*words, "--json")
    assert code == 0, err
    assert list(json.loads(out)["engines"]) == ["pytorch", "onnx"]


@pytest.mark.usefixtures("at_trained")
def test_init_writes_the_weights_of_a_factory(mvmoe):
    words = ("init", *_OWN, "--seed", "4", "--json")
    code, out, err = mvmoe(*words, "-o", "fresh.safetensors")
    assert code == 0, err
    assert json.loads(out)["family"] == "BandedMoE"
    mvmoe(*words, "-o", "again.safetensors")
    assert Path("fresh.safetensors").read_bytes() == Path("again.safetensors").read_bytes()
    code, out, _ = mvmoe("init", "digits", *_OWN, "-o", "other", "--json")
    assert (code, json.loads(out)["error"]["fields"]["name"]) == (2, "preset")
    code, out, _ = mvmoe("init", "-o", "other", "--json")
    assert (code, json.loads(out)["error"]["fields"]["name"]) == (2, "preset")


@pytest.mark.usefixtures("at_trained")
@pytest.mark.parametrize(
    ("words", "name"),
    [((*_OWN, "--preset", "digits"), "preset"), ((*_OWN, "--from", "run"), "from"),
     (("--checkpoint", "run"), "checkpoint"), ((*_OWN, "--mean", "0.5"), "input")],
)  # fmt: skip
def test_train_takes_an_own_module_or_something_else(mvmoe, words, name):
    code, out, _ = mvmoe("train", "--data", "images", *words, "-o", "no", "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"], error["fields"]["name"]) == (2, "input.option", name)
    assert not Path("no").exists()


@pytest.mark.usefixtures("at_trained")
def test_bench_measures_the_own_module_beside_its_bundle(mvmoe, monkeypatch):
    from mvmoe_bench.measure.planning import bench_presets

    small = msgspec.structs.replace(
        bench_presets.PRESETS["quick"], repeats=1, queries=3, starts=1, stream=4, warmup=0
    )
    monkeypatch.setitem(bench_presets.PRESETS, "quick", small)
    own = ("--model", f"{banded_moe.__file__}:make")
    words = ("bench", "bundle", "--preset", "quick", "--compare", "eager", "-o", "r.jsonl")
    code, out, err = mvmoe(*words, *own, "--checkpoint", "run/end-to-end", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (len(found["subjects"]), found["failures"]) == (2, [])
    code, out, _ = mvmoe(*words[:-1], "more.jsonl", *own, *own, "--json")
    assert (code, json.loads(out)["error"]["fields"]["name"]) == (2, "factories")
