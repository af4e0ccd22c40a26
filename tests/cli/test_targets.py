"""`mvmoe export` with the options of its targets, and the other commands on what it wrote."""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy import Dispatcher, cli
from mvmoe_deploy.errors import InputError, MissingExtraError

NEAR = 1e-3
"""Of answers in fp32, relative to the largest; a wrong pixel or expert is off by 1e-2 and more."""


def run(*arguments):
    """Run the command in this process; gives its exit code."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    signal.signal(signal.SIGTERM, before)
    return ended.value.code


@pytest.fixture
def mvmoe(capsys):
    """Gives exit code, stdout and stderr of a command."""
    return lambda *arguments: (run(*arguments), *capsys.readouterr())


@pytest.fixture(scope="session")
def checkpoint(made_once, material):
    made = made_once("cli-targets", lambda path: material.make_checkpoint(path, run))
    return made / "tiny"


@pytest.fixture(scope="session")
def everything(everything_made):
    """A bundle of three targets, made with every option."""
    return everything_made / "everything.mvmoe"


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "one.png"
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def copy(everything, tmp_path):
    """A bundle to damage."""
    return shutil.copytree(everything, tmp_path / "copy.mvmoe")


def inspected(mvmoe, bundle):
    code, out, _ = mvmoe("inspect", bundle, "--json")
    assert code == 0
    return json.loads(out)


def test_inspect_tells_options_rewrites_placement_and_sizes(mvmoe, everything):
    targets = inspected(mvmoe, everything)["targets"]
    assert list(targets) == ["onnx", "coreml", "executorch"]
    assert targets["onnx"]["options"] == {"profile": "cpu", "opset": 20, "precision": "fp32"}
    assert targets["coreml"]["options"] == {
        "deployment_target": "iOS17",
        "precision": targets["coreml"]["precision"],
        "input": "image",
    }
    executorch = targets["executorch"]["options"]
    assert list(executorch) == ["delegate", "compute_units", "deployment_target", "precision"]
    assert (executorch["delegate"], executorch["compute_units"]) == ("xnnpack", "cpu_only")
    assert targets["onnx"]["rewrites"] == []
    assert "slices" in targets["coreml"]["rewrites"]
    assert "layer-norm" in targets["executorch"]["rewrites"]
    assert targets["coreml"]["precision"] == "fp32"
    for name, engines in (("onnx", {"nnapi", "coreml-ep"}), ("executorch", {"xnnpack"})):
        for graph in targets[name]["graphs"]:
            assert {place["engine"] for place in graph["placement"]} == engines
    for target in targets.values():
        sizes = target["sizes"]
        assert len(sizes["experts"][0]) == 2
        assert sizes["shared"] + sum(sizes["experts"][0]) == sizes["distinct"]
        assert sizes["one_more_expert"] > sizes["experts"][0][0] > 0
        assert target["parity"]["verification"]["images"] == 8


def test_packages_of_ios17_repeat_what_they_share(mvmoe, everything):
    targets = inspected(mvmoe, everything)["targets"]
    assert targets["executorch"]["sizes"]["repeated"] == 0
    sizes = targets["coreml"]["sizes"]
    assert sizes["saved"] == 0
    assert sizes["repeated"] > 0
    assert len({graph["file"] for graph in targets["coreml"]["graphs"]}) == 3
    _, out, _ = mvmoe("inspect", everything)
    assert "are stored more than once" in out


def test_who_made_it_is_in_the_package(everything):
    model = (everything / "coreml/stem.mlpackage/Data/com.apple.CoreML/model.mlmodel").read_bytes()
    for text in (b"Ada", b"MIT", b"Tells cats from dogs", b"tiny"):
        assert (text in model) is (text != b"tiny")


def test_nothing_is_left_beside_the_bundle(everything):
    beside = [path.name for path in everything.parent.iterdir() if "everything" in path.name]
    assert beside == ["everything.mvmoe"]
    assert sorted(path.name for path in everything.iterdir()) == [
        "coreml", "executorch", "golden.safetensors", "manifest.json", "onnx",
    ]  # fmt: skip


def test_run_says_that_a_slow_evaluator_stands_in(mvmoe, everything, image):
    answers = {}
    for target in ("onnx", "coreml", "executorch"):
        code, out, err = mvmoe("run", everything, image, "--target", target, "--json")
        assert code == 0
        (answers[target],) = json.loads(out)["results"]
        slow = "no Core ML on this machine" in err and "slow, for checking only" in err
        assert slow is (target == "coreml" and sys.platform != "darwin")
    for answer in answers.values():
        assert answer["route"] == answers["onnx"]["route"]
        assert abs(answer["probability"] - answers["onnx"]["probability"]) < NEAR


def test_a_graph_that_takes_pixels_answers_as_one_that_does_not(everything):
    images = np.random.default_rng(5).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    with Dispatcher.open(everything, "onnx") as plain, Dispatcher.open(everything, "coreml") as px:
        assert px.target.graphs[0].inputs[0].pixels is not None
        for image in images:
            wanted, given = plain.predict(image), px.predict(image)
            assert given.route == wanted.route
            assert abs(given.probability - wanted.probability) < NEAR


@pytest.mark.parametrize(
    ("options", "known"),
    [
        (["--onnx-profile", "gpu"], "cpu, nnapi, coreml-ep"),
        (["--executorch-delegate", "gpu"], "xnnpack, portable, coreml"),
        (["--executorch-compute-units", "cpuOnly"], "all, cpu_only, cpu_and_gpu, cpu_and_ne"),
        (["--coreml-precision", "int3"], "fp16, fp32"),
        (["--coreml-input", "pixels"], "tensor, image"),
        (["--coreml-deployment-target", "iOS15"], "iOS16, iOS17, iOS18, iOS26"),
        (["--onnx-opset", "17"], "18 to 23"),
        (
            ["--rewrites", "views,shapes"],
            "'shapes' is unknown; installed are arithmetic",
        ),
        (["--rewrites", ""], "token-rows, views"),
        (["--strategy", "all"], "all-experts"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_right_ones(
    mvmoe, checkpoint, tmp_path, options, known
):
    code, out, err = mvmoe("export", checkpoint, "-o", tmp_path / "out", *options)
    assert (code, out) == (2, "")
    assert known in err
    assert len(err.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize(
    ("given", "names"),
    [("none", ()), ("views, slices", ("views", "slices")), ("rank,views", ("rank", "views"))],
)
def test_rewrites_can_be_chosen(mvmoe, checkpoint, monkeypatch, given, names):
    def refuse(*arguments, options, **others):
        raise InputError(f"told {options.rewrites}")

    monkeypatch.setattr("mvmoe_export.export_bundle", refuse)
    words = ["export", checkpoint, "-o", "out"]
    assert f"told {names}" in mvmoe(*words, "--rewrites", given)[2]
    assert "told None" in mvmoe(*words)[2]


@pytest.mark.parametrize("target", ["coreml", "executorch"])
def test_a_missing_engine_names_the_pip_command(mvmoe, checkpoint, tmp_path, monkeypatch, target):
    monkeypatch.setattr(f"mvmoe_export.targets.{target}.target.find_spec", lambda name: None)
    code, _, err = mvmoe("export", checkpoint, "-o", tmp_path / "out", "--target", target)
    assert code == MissingExtraError.exit_code == 3
    assert f"pip install 'mvmoe-deploy[{target}]'" in err
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize("target", ["coreml", "executorch"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(checkpoint, everything, tmp_path, target):
    # Bytes that a file may have: too few for the programs; or just too few for the engine's own.
    limit = 2000 if target == "coreml" else (everything / PROGRAM).stat().st_size - 1
    words = ["export", checkpoint, "-o", tmp_path / "out", "--target", target, "--resume"]
    done = subprocess.run(
        [sys.executable, "-m", "mvmoe_deploy", *map(str, words)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
    assert "free some space" in done.stderr or "check space" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


WEIGHTS = "coreml/stem.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
PROGRAM = "executorch/model.pte"


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def alter(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *[(file, damage) for file in (WEIGHTS, PROGRAM) for damage in (cut, alter)],
        (
            WEIGHTS,
            Path.unlink,
        ),  # The program is all of its target: see `tests/cli/test_removed.py`.
    ],
)
def test_a_damaged_file_is_told_by_every_command(mvmoe, copy, image, file, damage):
    damage(copy / file)
    target = file.split("/")[0]
    for words in (
        ["inspect", copy],
        ["run", copy, image, "--target", target],
        ["verify", copy],
        ["verify", copy, "--target", target],
    ):
        code, out, err = mvmoe(*words)
        assert (code, out) == (2, "")
        assert file in err
        assert len(err.strip().splitlines()) == 1
    # Another target does not need that file.
    assert mvmoe("run", copy, image, "--target", "onnx")[0] == 0


def with_hashes(bundle, file):
    """Write a manifest that takes a damaged file for what it should be."""
    from mvmoe_deploy.system.files import sha256

    manifest = json.loads((bundle / "manifest.json").read_text())
    for record in manifest["targets"][file.split("/")[0]]["files"]:
        if record["path"] == file:
            path = bundle / file
            record |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
    (bundle / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("file", [WEIGHTS, PROGRAM])
def test_an_engine_that_does_not_load_a_file_is_one_sentence(mvmoe, copy, file):
    cut(copy / file)
    with_hashes(copy, file)
    target = file.split("/")[0]
    code, _, err = mvmoe("verify", copy, "--target", target)
    assert code == 1
    # ExecuTorch has a line of its own on stderr before ours.
    *_, err = err.strip().splitlines()
    assert err.startswith("error: ")
    assert f"graph stem ({'/'.join(file.split('/')[:2])})" in err


def test_an_engine_that_ends_its_process_is_one_error(everything, tmp_path):
    """A backend whose name is no text: ExecuTorch's bindings end the process by an abort."""
    copy = shutil.copytree(everything, tmp_path / "copy.mvmoe")
    program = copy / "executorch" / "model.pte"
    program.write_bytes(program.read_bytes().replace(b"XnnpackBackend", b"XnnpackBack\x80nd"))
    manifest = json.loads((copy / "manifest.json").read_text())
    (record,) = manifest["targets"]["executorch"]["files"]
    record["sha256"] = hashlib.sha256(program.read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    ended = subprocess.run(
        [sys.executable, "-m", "mvmoe_deploy", "verify", copy, "--target", "executorch", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1
    message = json.loads(ended.stdout)["error"]["message"]
    assert message.startswith("graph stem (executorch/model.pte) in ExecuTorch")
    assert "ended the process of its engine by SIGABRT" in message
    assert ended.stderr.count("error: ") == 1
