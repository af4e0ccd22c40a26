import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
from expected_errors import raises
from json_page import documented
from PIL import Image

from mvmoe_bench.advice import Estimates
from mvmoe_deploy import cli

_PLACES = ("bundle", "checkpoint", "images", "results")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def mvmoe_json(mvmoe):
    """As `mvmoe`, with `--json`: gives the exit code and the one object on stdout."""

    def call(*arguments: object) -> tuple[int, dict]:
        code, out, _ = mvmoe(*arguments, "--json")
        assert out.count("\n") == 1
        data = json.loads(out)
        if "error" not in data and "--advise" not in arguments:
            assert set(data) == documented()[str(arguments[0])]
        return code, data

    return call


@pytest.fixture
def refused(mvmoe_json):
    """Runs a command that refuses its input; gives the code and the fields of its error."""

    def call(*arguments: object) -> tuple[str, dict]:
        code, data = mvmoe_json(*arguments)
        assert code == 2
        return data["error"]["code"], data["error"]["fields"]

    return call


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A configuration small enough to export in seconds."""
    path = tmp_path_factory.mktemp("config") / "tiny.json"
    config = {
        "image_size": 8, "patch_size": 4, "in_channels": 1, "num_classes": 3, "width": 16,
        "depth": 2, "heads": 2, "experts": 3, "moe_layers": 1,
    }  # fmt: skip
    path.write_text(json.dumps({"family": "mobile_vmoe", "config": config}))
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory, tiny) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny"
    with pytest.raises(SystemExit) as ended:
        cli.main(["init", str(tiny), "-o", str(path), "--seed", "3"])
    assert ended.value.code == 0
    return path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, checkpoint) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "tiny.mvmoe"
    with pytest.raises(SystemExit) as ended:
        cli.main(["export", str(checkpoint), "-o", str(path)])
    assert ended.value.code == 0
    return path


@pytest.fixture(scope="session")
def results(tmp_path_factory, bundle) -> Path:
    """A run of the quick preset, made smaller."""
    from mvmoe_bench.measure.planning import bench_presets

    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    small = msgspec.structs.replace(
        bench_presets.PRESETS["quick"], repeats=1, queries=3, starts=1, stream=4, warmup=0
    )
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setitem(bench_presets.PRESETS, "quick", small)
        words = ["bench", str(bundle), "--device", "host", "--preset", "quick", "-o", str(path)]
        cli.main(words)
    assert ended.value.code == 0
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    for position, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{position}.png")
    return folder


def test_init_counts_what_it_wrote(mvmoe_json, tmp_path):
    code, data = mvmoe_json("init", "digits", "-o", tmp_path / "c", "--seed", "5")
    assert code == 0
    assert data["family"] == "mobile_vmoe"
    assert data["params_active"] < data["params_total"]
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


def test_init_is_repeatable_by_seed(mvmoe, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        mvmoe("init", "digits", "-o", tmp_path / f"{name}.safetensors", "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_inspect_has_the_fields_that_scripts_rely_on(mvmoe_json, bundle):
    code, data = mvmoe_json("inspect", bundle)
    assert code == 0
    assert (
        data["model"]
        | {
            "experts": 3,
            "routed_stages": 1,
            "family": "mobile_vmoe",
        }
        == (data["model"])
    )
    assert {"params_total", "params_active", "macs"} <= data["model"].keys()
    target = data["targets"]["onnx"]
    assert {"weight_bytes", "bytes", "precision"} <= target.keys()
    graphs = [(graph["name"], graph["stage"], graph["route"]) for graph in target["graphs"]]
    assert graphs == [
        ("stem", 0, None),
        ("step1_e0", 1, [0]),
        ("step1_e1", 1, [1]),
        ("step1_e2", 1, [2]),
    ]
    on_disk = sum(file.stat().st_size for file in (bundle / "onnx").iterdir())
    assert target["bytes"] == on_disk
    assert {"input", "outputs", "usage_prior"} <= data.keys()


def test_run_answers_files_and_directories(mvmoe_json, bundle, images):
    code, data = mvmoe_json("run", bundle, images / "1.png", images)
    assert code == 0
    names = [Path(result["image"]).name for result in data["results"]]
    assert names == ["1.png", "0.png", "1.png", "2.png", "3.png"]
    for result in data["results"]:
        assert set(result) == {
            "image", "label", "label_index", "probability", "route", "gates", "last_stage",
            "timings_ms", "expected", "top",
            "outputs", "pictures",
        }  # fmt: skip
        assert set(result["timings_ms"]) == {
            "preprocess", "stem", "select", "load", "expert", "total",
        }  # fmt: skip
        assert 0 < result["gates"][0] <= 1
        assert result["route"][0] in range(3)
    again = data["results"][2]
    assert data["results"][0]["probability"] == again["probability"]


def test_run_answers_the_others_when_an_image_is_bad(mvmoe_json, bundle, images, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes((images / "0.png").read_bytes()[:100])
    code, data = mvmoe_json("run", bundle, images / "0.png", broken, images / "1.png")
    assert code == 2
    assert ["error" in result for result in data["results"]] == [False, True, False]
    assert str(broken) in data["results"][1]["error"]


def test_people_see_tables(mvmoe, bundle, images):
    code, out, _ = mvmoe("inspect", bundle)
    assert code == 0
    assert "step1_e2" in out
    code, out, _ = mvmoe("run", bundle, images)
    assert code == 0
    assert out.count(".png") == 4


def test_images_may_have_brackets_in_their_name(mvmoe, bundle, images, tmp_path):
    odd = tmp_path / "[bold]x.png"
    odd.write_bytes((images / "0.png").read_bytes())
    code, out, _ = mvmoe("run", bundle, odd)
    assert code == 0
    assert "[bold]x" in out.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "refused", "says"),
    [
        (["inspect", "missing"], "bundle.missing", "missing"),
        (["run", "missing", "x.png"], "bundle.missing", "missing"),
        (["export", "missing", "-o", "out"], "checkpoint.missing", "missing"),
        (["verify", "missing"], "bundle.missing", "missing"),
        (["verify", "b", "--images", "0"], "usage.invalid", "--images"),
        (["init", "no_such_preset", "-o", "out"], "input.option", "no_such_preset"),
        (["init", "missing.json", "-o", "out"], "model.config-invalid", "missing.json"),
        (["nonsense"], "usage.invalid", "nonsense"),
        (["export"], "usage.invalid", "--output"),
        (["export", "-o", "out"], "input.option", "CHECKPOINT"),
        (["run", "b", "i", "--threads", "0"], "usage.invalid", "--threads"),
        (["train", "--data", "missing", "-o", "out"], "data.invalid", "missing"),
        (["train", "--preset", "vit_digits", "-o", "out"], "input.option", "dense vit"),
        (["train", "--from", "missing", "-o", "out"], "checkpoint.missing", "missing"),
        (["train", "--weights", "model", "-o", "out"], "input.option", "--from"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(  # noqa: PLR0917
    mvmoe, mvmoe_json, tmp_path, monkeypatch, arguments, refused, says
):
    monkeypatch.chdir(tmp_path)
    code, out, err = mvmoe(*arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert mvmoe_json(*arguments)[1]["error"]["code"] == refused
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_json_tells_errors_as_an_object(mvmoe_json):
    code, data = mvmoe_json("inspect", "missing")
    assert code == 2
    assert data["error"]["code"] == "bundle.missing"
    assert data["error"]["fields"] == {"bundle": "missing"}
    assert "missing" in data["error"]["message"]


def test_debug_shows_where(mvmoe):
    _, _, err = mvmoe("inspect", "missing", "--debug")
    assert "Traceback" in err


def test_output_that_exists_needs_force(mvmoe, checkpoint, bundle, tiny):
    code, _, err = mvmoe("export", checkpoint, "-o", bundle)
    assert (code, "--force" in err) == (2, True)
    code, _, err = mvmoe("init", tiny, "-o", checkpoint)
    assert (code, "--force" in err) == (2, True)


def test_a_manifest_cannot_command_the_terminal(mvmoe, bundle, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", bundle, copy], check=True)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["model"]["name"] = "\x1b]0;owned\x07"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    code, out, err = mvmoe("inspect", copy)
    assert code == 2
    assert "\x1b" not in out + err
    assert "$.model.name" in err


def test_a_full_stdout_is_one_sentence(bundle):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mvmoe_deploy", "inspect", str(bundle), "--json"],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_directory_of_images_is_told(refused, bundle, tmp_path):
    assert refused("run", bundle, tmp_path) == ("input.no-images", {"path": str(tmp_path)})


def test_a_target_the_bundle_lacks_is_told(refused, bundle, images):
    found = refused("run", bundle, images, "--target", "coreml")
    assert found == ("bundle.no-target", {"target": "coreml", "available": ["onnx"]})


def test_an_unknown_target_is_told(refused, checkpoint, tmp_path):
    code, fields = refused("export", checkpoint, "-o", tmp_path / "b", "--target", "tflite")
    assert (code, fields["kind"], fields["name"]) == ("part.unknown", "targets", "tflite")
    assert not (tmp_path / "b").exists()


def test_inspect_notices_an_altered_file(refused, bundle, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", bundle, copy], check=True)
    weights = copy / "onnx" / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert refused("inspect", copy) == ("bundle.hash-mismatch", {"file": "onnx/weights.bin"})


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("torch", ["init", "digits", "-o", "out"], "models"),
        ("onnxruntime", ["run", "BUNDLE", "IMAGES"], "onnx"),
        ("onnxscript", ["export", "CHECKPOINT", "-o", "out"], "export"),
        ("onnxruntime", ["verify", "BUNDLE"], "onnx"),
        ("torch", ["verify", "BUNDLE", "--checkpoint", "CHECKPOINT"], "export"),
        ("scipy", ["bench", "BUNDLE", "-o", "out.jsonl"], "bench"),
        ("jinja2", ["report", "RESULTS", "-o", "out.html"], "bench"),
    ],
)
def test_a_missing_extra_names_the_pip_command(request, tmp_path, module, arguments, extra):
    places = {name.upper(): str(request.getfixturevalue(name)) for name in _PLACES}
    # In a place that other processes of the command look at too.
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / f"{module}.py").write_text(
        f"raise ModuleNotFoundError('No module named {module}', name='{module}')"
    )
    others = filter(None, [ENVIRONMENT.get("PYTHONPATH")])
    path = os.pathsep.join([str(tmp_path / "without"), *others])
    words = [places.get(word, word) for word in arguments]
    done = _python(
        "-m", "mvmoe_deploy", *words, cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": path}
    )
    assert done.returncode == 3
    assert f"pip install 'mvmoe-deploy[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("module", "extra"), [("jinja2", "all"), ("coremltools", "coreml")])
def test_the_demo_misses_a_package_before_it_trains(tmp_path, module, extra):
    script = (
        f"import sys; sys.modules[{module!r}] = None; from mvmoe_deploy.cli import main; main()"
    )
    done = _python("-c", script, "demo", "-o", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert f"pip install 'mvmoe-deploy[{extra}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


_FIGURES = {
    "kind", "measure", "agreement", "max_abs_error", "max_rel_error", "rms_error", "psnr_db",
}  # fmt: skip


def test_verify_has_the_fields_that_scripts_rely_on(mvmoe_json, bundle, checkpoint):
    code, data = mvmoe_json("verify", bundle, "--checkpoint", checkpoint, "--images", "12")
    assert (code, data["ok"], data["reference"], data["images"]) == (0, True, "pytorch", 12)
    target = data["targets"]["onnx"]
    assert target["ok"] is True
    assert target["outputs"]["answer"].keys() == _FIGURES
    assert target["outputs"]["answer"]["measure"] == "top-1 agreement"
    assert {
        "images", "outputs",
        "routing_agreement", "near_ties", "disagreements", "routes", "bounds", "stages",
        "agreeing", "same_route", "failures", "accuracy_measure", "accuracy_pytorch",
        "accuracy_target",
    } <= target.keys()  # fmt: skip
    assert [row["route"] for row in target["routes"]] == [[0], [1], [2]]
    assert {"stage", "forced", "checked", "ok", "images"} <= target["routes"][0].keys()
    assert target["routes"][0]["outputs"]["answer"].keys() == _FIGURES
    assert all(row["checked"] for row in target["routes"])
    assert target["bounds"]["answer_error"] == 1e-4


def test_verify_without_a_checkpoint_uses_the_golden_vectors(mvmoe_json, bundle):
    code, data = mvmoe_json("verify", bundle)
    assert (code, data["reference"], data["images"]) == (0, "golden", 8)


def test_verify_shows_people_every_route(mvmoe, bundle, checkpoint, images):
    code, out, err = mvmoe("verify", bundle, "--checkpoint", checkpoint, "--data", images)
    assert code == 0 and "error" not in err
    assert "against PyTorch on 4 images" in out
    assert "target onnx (dispatch, fp32): within its bounds" in out
    assert "forced" in out


@pytest.fixture
def swapped(bundle, tmp_path) -> Path:
    """A bundle in which expert 1 computes what expert 0 does, with hashes that fit."""
    copy = tmp_path / "swapped"
    subprocess.run(["cp", "-r", bundle, copy], check=True)
    right, wrong = copy / "onnx" / "step1_e1.onnx", copy / "onnx" / "step1_e0.onnx"
    right.write_bytes(wrong.read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text())
    records = {file["path"]: file for file in manifest["targets"]["onnx"]["files"]}
    records["onnx/step1_e1.onnx"] |= {**records["onnx/step1_e0.onnx"], "path": "onnx/step1_e1.onnx"}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def test_verify_tells_target_route_figure_and_bound_after_the_whole_report(
    mvmoe, mvmoe_json, swapped, checkpoint
):
    assert mvmoe("inspect", swapped)[0] == 0
    code, out, err = mvmoe("verify", swapped, "--checkpoint", checkpoint)
    assert code == 1
    assert "error: target onnx, route [1]: the values of the output answer are off by" in err
    assert "the bound on max_rel_error is 0.0001" in err
    assert err.count("error: ") == 1
    assert "FELL SHORT" in out
    assert "beyond its bound" in out
    code, data = mvmoe_json("verify", swapped, "--checkpoint", checkpoint)
    assert (code, data["ok"]) == (1, False)
    assert data["targets"]["onnx"]["failures"][0]["route"] == [1]
    assert data["targets"]["onnx"]["failures"][0]["output"] == "answer"
    assert [row["ok"] for row in data["targets"]["onnx"]["routes"]] == [True, False, True]


def test_verify_refuses_another_checkpoint(mvmoe, refused, bundle, tiny, tmp_path):
    mvmoe("init", tiny, "-o", tmp_path / "other", "--seed", "4")
    code, fields = refused("verify", bundle, "--checkpoint", tmp_path / "other")
    assert (code, len(fields["found"])) == ("checkpoint.other-model", 64)
    mvmoe("init", "digits", "-o", tmp_path / "digits")
    code, fields = refused("verify", bundle, "--checkpoint", tmp_path / "digits")
    assert (code, fields["found"]) == (
        "checkpoint.other-model",
        "1 routers (top 1 of 4 experts)",
    )


@pytest.mark.parametrize(
    ("options", "code", "field", "value"),
    [
        (["--data", "missing"], "input.option", "name", "data"),
        (["--images", "3"], "input.option", "name", "images"),
        (["--target", "coreml"], "bundle.no-target", "target", "coreml"),
        (["--checkpoint", "CHECKPOINT", "--data", "missing"], "data.invalid", "path", "missing"),
        (["--checkpoint", "CHECKPOINT", "--data", "digits"], "data.invalid", "found", 10),
    ],
)
def test_verify_refuses_what_does_not_fit(  # noqa: PLR0917
    refused, bundle, checkpoint, options, code, field, value
):
    words = [checkpoint if word == "CHECKPOINT" else word for word in options]
    found, fields = refused("verify", bundle, *words)
    assert (found, fields[field]) == (code, value)


def test_verify_looks_at_the_images_before_it_loads_the_model(refused, bundle, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "0.png").write_bytes(b"no image")
    (tmp_path / "damaged.safetensors").write_bytes(b"no weights")
    damaged = ("--checkpoint", tmp_path / "damaged.safetensors")
    code, fields = refused("verify", bundle, *damaged, "--data", tmp_path / "photos")
    assert (code, fields["image"]) == ("image.invalid", str(tmp_path / "photos" / "0.png"))


def test_verify_names_a_file_that_is_damaged(refused, bundle, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", bundle, copy], check=True)
    (copy / "onnx" / "step1_e2.onnx").unlink()
    assert refused("verify", copy) == ("bundle.file-missing", {"file": "onnx/step1_e2.onnx"})


def test_export_can_leave_the_verification_out(mvmoe_json, checkpoint, tmp_path, bundle):
    code, data = mvmoe_json("export", checkpoint, "-o", tmp_path / "b", "--skip-verify")
    assert (code, data["targets"]["onnx"]["parity"]["verification"]) == (0, None)
    _, data = mvmoe_json("inspect", bundle)
    assert data["targets"]["onnx"]["parity"]["verification"]["images"] == 8


@pytest.fixture
def start_export(checkpoint, tmp_path):
    """Starts an export whose compiler is at work in a process of its own, in a group of theirs."""
    for name in ("out", "tmp"):
        (tmp_path / name).mkdir()
    targets = ("--target", "executorch", "--target", "onnx")
    command = ["export", str(checkpoint), "-o", str(tmp_path / "out" / "bundle"), *targets]

    def start(*before: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "mvmoe_deploy", *command],
            env=ENVIRONMENT | {"TMPDIR": str(tmp_path / "tmp")},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        _wait_for(lambda: any(tmp_path.rglob("weights.bin")), process)
        return process

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_export_leaves_nothing(start_export, tmp_path, number):
    process = start_export()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    # CPython kills itself again if Ctrl-C lands while it compiles; a shell sees 130 then too.
    assert process.returncode in (128 + number, -signal.SIGINT)
    assert "interrupted; no partial output was written" in err
    assert "Traceback" not in err
    assert [*(tmp_path / "out").iterdir(), *(tmp_path / "tmp").iterdir()] == []
    assert not _lives(process.pid)


def test_what_a_killed_export_leaves_is_swept_by_other_commands(
    start_export, mvmoe, bundle, tmp_path, monkeypatch
):
    process = start_export()
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while _lives(process.pid):
        assert time.monotonic() < deadline, "its compiler goes on"
        time.sleep(0.02)
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert mvmoe("inspect", bundle)[0] == 0
    assert list((tmp_path / "tmp").iterdir()) == []


TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_terminal_that_is_closed_interrupts(checkpoint, tmp_path):
    """The system says SIGHUP, and refuses whatever is printed from then on."""
    ours, theirs = os.openpty()
    out = tmp_path / "out"
    export = ["-m", "mvmoe_deploy", "export", str(checkpoint), "-o", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_THE_TERMINAL, sys.executable, *export],
        env=ENVIRONMENT | {"TMPDIR": str(tmp_path)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    deadline = time.monotonic() + 120
    while not any(tmp_path.rglob("weights.bin")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.close(ours)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert list(tmp_path.iterdir()) == []


def _lives(group: int) -> bool:
    """Whether a process of a group is left; one that only waits to be noticed is none."""
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def test_a_full_disk_is_one_sentence_and_leaves_nothing(checkpoint, tmp_path):
    limit = 2000  # Bytes a file may have: less than the weights of the tiny model.
    done = _python(
        "-m", "mvmoe_deploy", "export", str(checkpoint), "-o", str(tmp_path / "out"),
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def _python(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **{"env": ENVIRONMENT, **options},
    )


def _wait_for(holds, process: subprocess.Popen) -> None:
    """Wait until something holds; fails if the process ends before."""
    while not holds():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def test_bench_measures_and_prints_its_summary(mvmoe_json, bundle, tmp_path, monkeypatch):
    from mvmoe_bench.measure.planning import bench_presets

    small = msgspec.structs.replace(
        bench_presets.PRESETS["quick"], repeats=1, queries=3, starts=0, stream=0, warmup=0
    )
    monkeypatch.setitem(bench_presets.PRESETS, "quick", small)
    path = tmp_path / "results.jsonl"
    arguments = ("bench", bundle, "--device", "host", "--preset", "quick", "-o", path)
    code, data = mvmoe_json(*arguments)
    assert code == 0 and data["results"] == str(path)
    assert data["subjects"][0]["key"] == "dispatcher onnx"
    assert data["sections"]["latency"]["dispatcher onnx"]["wall_ms"]["n"] == 3
    code, data = mvmoe_json(*arguments)
    assert code == 2 and "--resume to go on" in data["error"]["message"]
    code, data = mvmoe_json(*arguments, "--resume")
    assert code == 0 and data["resumed"] == 0


@pytest.mark.parametrize("how", ["--resume", "--force"])
def test_two_runs_do_not_write_to_one_results_file(mvmoe, bundle, results, tmp_path, how):
    from mvmoe_bench.measure.schema.results import ResultsFile, read

    path = tmp_path / "results.jsonl"
    with ResultsFile.new(path, read(results)[0].run):
        before = path.read_bytes()
        code, _, err = mvmoe("bench", bundle, "-o", path, "--preset", "quick", how)
    assert (code, f"another mvmoe bench is writing to {path}" in err) == (2, True)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("cache", ["new", "new/below", "images/kept"])
def test_a_cache_of_bench_is_apart_from_output_and_images(mvmoe, bundle, tmp_path, cache):
    (tmp_path / "images").mkdir()
    code, _, err = mvmoe(
        "bench", bundle, "-o", tmp_path / "new", "--cache", tmp_path / cache,
        "--images", tmp_path / "images",
    )  # fmt: skip
    says = "take the place of" if cache.startswith("new") else "lies in the input"
    assert (code, says in err) == (2, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["images"]


def test_report_makes_what_its_name_ends_in(mvmoe, mvmoe_json, results, tmp_path):
    for name, kind, begins in (
        ("a.html", "html", b"<!"), ("a.md", "md", b"#"), ("a.png", "png", b"\x89PNG"),
    ):  # fmt: skip
        code, data = mvmoe_json("report", results, "-o", tmp_path / name)
        assert (code, data["format"], data["skipped"]) == (0, kind, 0)
        assert (tmp_path / name).read_bytes().lower().startswith(begins.lower())
    code, _, err = mvmoe("report", results, "-o", tmp_path / "a.html")
    assert code == 2 and "exists already" in err and "--force" in err
    code, _, err = mvmoe("report", results, "-o", tmp_path / "a.txt")
    assert code == 2 and "--format html, md or png" in err
    code, out, _ = mvmoe("report", results, "-o", tmp_path / "b", "--format", "md")
    assert code == 0 and f"wrote {tmp_path / 'b'}" in out


def test_report_tells_how_many_lines_were_damaged(mvmoe, results, tmp_path):
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(results.read_bytes()[:-20])
    code, _, err = mvmoe("report", cut, "-o", tmp_path / "cut.md")
    assert code == 0 and "1 damaged line was left out" in err


def test_the_advisor_alone_measures_nothing_and_says_estimate(mvmoe, mvmoe_json, bundle, tmp_path):
    code, data = mvmoe_json("bench", bundle, "--advise")
    assert code == 0 and data["estimate"] is True
    typed = msgspec.convert(data, Estimates)
    assert json.loads(msgspec.json.encode(typed)) == data, "no field but those of the type"
    assert {item["engine"] for item in data["advice"]} >= {"NNAPI"}
    assert all(item["source"] and item["reason"] for item in data["advice"])
    code, out, _ = mvmoe("bench", bundle, "--advise", "--target", "onnx")
    assert code == 0 and out.startswith("ESTIMATE, not measured")
    code, _, err = mvmoe("bench", bundle)
    assert code == 2 and "give -o results.jsonl, or --advise" in err


@pytest.fixture(scope="session")
def inputs(checkpoint, bundle, results, images, tiny) -> dict[str, Path]:
    """An input of each kind."""
    return {
        "ck": checkpoint, "b.mvmoe": bundle, "r.jsonl": results, "cfg/tiny.json": tiny,
        "photos/train/x": images, "photos/train/y": images, "photos/val/x": images,
    }  # fmt: skip


@pytest.fixture
def desk(inputs, tmp_path, monkeypatch) -> Path:
    """The directory to work in, with an input of each kind, and other names for some."""
    for name, source in inputs.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", source, tmp_path / name], check=True)
    (tmp_path / "d.json").write_text("[]")
    (tmp_path / "link").symlink_to("ck")
    os.link(tmp_path / "r.jsonl", tmp_path / "hard.jsonl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _everything(root: Path) -> dict[str, object]:
    """Every path below a directory with its kind, its number, and a file's content."""
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(root))] = (status.st_mode, status.st_ino, content)
    return found


@pytest.mark.parametrize(
    "words",
    [
        "export ck -o ck --force",
        "export ck -o link --force",
        "export link -o ck --force --resume",
        "export ./cfg/../ck -o ck",
        "export ck/model.safetensors -o ck --force --config cfg/tiny.json",
        "export ck -o ck/inner",
        "export ck -o . --force",
        "export ck -o cfg --force --config cfg/tiny.json",
        "init cfg/tiny.json -o cfg/tiny.json --force",
        "init cfg/tiny.json -o cfg --force",
        "train --preset cfg/tiny.json -o cfg --resume",
        "train --from ck -o ck --resume",
        "train --from ck -o ck/inner",
        "train --from ck/model.safetensors --preset cfg/tiny.json -o ck",
        "train --data photos --preset cfg/tiny.json -o photos --resume",
        "train --data photos --preset cfg/tiny.json -o photos/train/z",
        "train --data photos --preset cfg/tiny.json -o photos/val",
        "bench b.mvmoe -o b.mvmoe --force",
        "bench b.mvmoe -o b.mvmoe/manifest.json --force",
        "bench b.mvmoe -o b.mvmoe/results.jsonl",
        "bench b.mvmoe ck/../b.mvmoe -o b.mvmoe/onnx --resume",
        "bench b.mvmoe --checkpoint ck -o ck/config.json --force",
        "bench b.mvmoe --config cfg/tiny.json -o cfg/tiny.json --force",
        "bench b.mvmoe --distribution d.json -o d.json --force",
        "bench b.mvmoe --images photos -o photos --force",
        "bench b.mvmoe --cache b.mvmoe/cache -o out.jsonl",
        "pack b.mvmoe --target onnx -o b.mvmoe --force",
        "pack b.mvmoe --target onnx -o b.mvmoe/out.zip",
        "pack cfg/../b.mvmoe --target onnx -o . --force",
        "report r.jsonl -o r.jsonl --force --format md",
        "report r.jsonl -o hard.jsonl --force --format html",
        "report hard.jsonl r.jsonl --compare -o r.jsonl --force --format html",
    ],
)
def test_an_output_that_is_or_touches_an_input_is_refused_whatever_the_flags(mvmoe, desk, words):
    before = _everything(desk)
    code, out, err = mvmoe(*words.split())
    assert (code, out) == (2, "")
    assert "the input" in err and len(err.strip().splitlines()) == 1
    assert _everything(desk) == before


def _precious(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("precious")


def _named_as_a_bundle(path: Path) -> None:
    _precious(path)
    (path / "manifest.json").write_text('{"name": "a web application", "icons": []}')


def _damaged(path: Path) -> None:
    path.mkdir()
    (path / "manifest.json").write_text('{"format": "mvmoe-bun')


def _with_more(source: str):
    def make(path: Path) -> None:
        subprocess.run(["cp", "-r", source, path], check=True)
        (path / "notes.txt").write_text("precious")

    return make


_DIRECTORIES = {
    "somebody's": _precious,
    "a manifest of something else": _named_as_a_bundle,
    "a damaged manifest": _damaged,
    "a bundle and more": _with_more("b.mvmoe"),
    "a checkpoint and more": _with_more("ck"),
    "a link": lambda path: path.symlink_to("photos"),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a file": lambda path: path.write_text("precious"),
    "a pipe": os.mkfifo,
}


@pytest.fixture
def no_work(monkeypatch):
    """What would take long must not begin."""

    def begun(*_, **__):
        pytest.fail("the work began")

    for name in (
        "mvmoe_deploy.models.load_checkpoint", "mvmoe_deploy.models.build",
        "mvmoe_deploy.training.train", "mvmoe_bench.measure.planning.running.find_device",
        "mvmoe_bench.measure.schema.results.read",
    ):  # fmt: skip
        monkeypatch.setattr(name, begun)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("kind", _DIRECTORIES)
@pytest.mark.parametrize(
    "words",
    ["export ck -o out", "init cfg/tiny.json -o out", "pack b.mvmoe --target onnx -o out"],
)
def test_force_removes_no_directory_of_anything_else(mvmoe, desk, kind, words):
    _DIRECTORIES[kind](Path("out"))
    before = _everything(desk)
    for flags in ([], ["--force"]):
        code, out, err = mvmoe(*words.split(), *flags)
        assert (code, out) == (2, "")
        assert "error: out " in err and len(err.strip().splitlines()) == 1
        assert _everything(desk) == before
    if kind == f"a {'checkpoint' if words[0] == 'i' else 'bundle'} and more":
        assert "notes.txt" in err
    if Path("out").is_dir() and not Path("out").is_symlink():
        assert "remove it yourself" in err


@pytest.mark.usefixtures("no_work")
def test_a_checkpoint_is_no_bundle_and_a_bundle_no_checkpoint(mvmoe, desk):
    before = _everything(desk)
    for words, says in (
        ("init cfg/tiny.json -o b.mvmoe --force", "b.mvmoe is no checkpoint"),
        ("init cfg/tiny.json -o photos --force", "photos is no checkpoint"),
    ):
        code, _, err = mvmoe(*words.split())
        assert (code, says in err) == (2, True)
    subprocess.run(["cp", "-r", "ck", "ck2"], check=True)
    code, _, err = mvmoe("export", "ck", "-o", "ck2", "--force")
    assert (code, "ck2 is no bundle" in err) == (2, True)
    assert _everything(desk).items() >= before.items()


_FILES = {
    "somebody's": lambda path: path.write_text("precious"),
    "json": lambda path: path.write_text('{"kind": "run"}\n'),
    "a checkpoint": lambda path: subprocess.run(["cp", "ck/model.safetensors", path], check=True),
    "a directory": _precious,
    "an empty directory": Path.mkdir,
    "a link": lambda path: path.symlink_to("r.jsonl"),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a pipe": os.mkfifo,
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("kind", _FILES)
@pytest.mark.parametrize(
    "words",
    [
        "report r.jsonl -o out.html",
        "report r.jsonl -o out.png",
        "report hard.jsonl -o out.md",
        "bench b.mvmoe -o out.jsonl",
        "init cfg/tiny.json -o out.safetensors",
        "pack b.mvmoe --target onnx -o out.zip",
    ],
)
def test_force_replaces_no_file_of_anything_else(mvmoe, desk, kind, words):
    output = Path(words.rsplit(" ", 1)[1])
    _FILES[kind](output)
    before = _everything(desk)
    for flags in ([], ["--force"]):
        code, out, err = mvmoe(*words.split(), *flags)
        assert (code, out) == (2, "")
        assert str(output) in err and len(err.strip().splitlines()) == 1
        assert _everything(desk) == before


def test_bench_resumes_nothing_but_results(mvmoe, desk):
    Path("out.jsonl").write_text("precious")
    code, _, err = mvmoe("bench", "b.mvmoe", "-o", "out.jsonl", "--resume")
    assert (code, "out.jsonl does not hold" in err) == (2, True)
    assert Path("out.jsonl").read_text() == "precious"


def test_force_replaces_what_the_command_wrote(mvmoe, desk, tiny):
    for name in ("ck3", "ck3.safetensors"):
        for seed in (1, 2):
            words = ["init", tiny, "-o", name, "--seed", seed, *["--force"] * (seed - 1)]
            assert mvmoe(*words)[0] == 0
    # What a report was made of before, and in which format, does not matter.
    for kind in ("html", "md", "png", "html"):
        assert mvmoe("report", "r.jsonl", "-o", "page", "--format", kind, "--force")[0] == 0
    assert mvmoe("export", "ck3", "-o", "b.mvmoe", "--force", "--skip-verify")[0] == 0
    Path("b.mvmoe/.DS_Store").touch()  # A file manager's, which holds nobody's work.
    Path("empty").mkdir()
    for name in ("b.mvmoe", "empty"):
        assert mvmoe("export", "ck3", "-o", name, "--force", "--skip-verify")[0] == 0
    assert {".DS_Store", ".b.mvmoe.resume"}.isdisjoint(path.name for path in desk.rglob("*"))


def test_the_directory_one_stands_in_is_not_replaced(mvmoe, desk, monkeypatch):
    before = _everything(desk)
    monkeypatch.chdir("b.mvmoe")
    for output in ("../b.mvmoe", desk / "b.mvmoe", ".", "..", "/", Path.home(), desk):
        code, _, err = mvmoe("export", "../ck", "-o", output, "--force")
        assert code == 2 and len(err.strip().splitlines()) == 1
    monkeypatch.chdir(desk)
    assert _everything(desk) == before


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    "name", ["digits.mvmoe/notes", "images/notes", "bench.jsonl", "bench.html", "bench.png"]
)
def test_the_demo_replaces_nothing_of_anybody(mvmoe, tmp_path, name):
    path = tmp_path / "demo" / name
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    before = _everything(tmp_path)
    code, _, err = mvmoe("demo", "-o", tmp_path / "demo")
    assert code == 2 and str(tmp_path / "demo" / name.split("/")[0]) in err
    assert _everything(tmp_path) == before


def test_the_demo_trains_in_no_directory_of_anybody(mvmoe, tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "notes").write_text("precious")
    code, _, err = mvmoe("demo", "-o", tmp_path)
    assert code == 2 and "holds no training run" in err
    assert [path.name for path in tmp_path.rglob("*")] == ["training", "notes"]


def test_the_demos_digits_are_written_over_its_own_alone(tmp_path):
    from mvmoe_bench.commands.demo import _write_digits
    from mvmoe_deploy.errors import InputError

    folder = tmp_path / "images"
    for _ in range(2):
        _write_digits(folder)
    name = "000_is_" + next(folder.glob("000_*")).stem[-1] + ".png"
    assert len(list(folder.iterdir())) == 359
    Image.new("L", (8, 8)).save(folder / name)
    with raises(InputError, "output.foreign", path=str(folder)) as caught:
        _write_digits(folder)
    assert name in str(caught.value)
    (folder / name).unlink()
    _write_digits(folder)
    (folder / "mine.png").write_bytes((folder / name).read_bytes())
    with raises(InputError, "output.foreign", path=str(folder)) as caught:
        _write_digits(folder)
    assert "mine.png" in str(caught.value)
