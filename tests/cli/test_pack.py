"""`mvmoe pack`: what it writes opens, verifies and answers as the bundle does, on every target."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle

TARGETS = ("onnx", "coreml", "executorch")


@pytest.fixture
def bundle(everything_made):
    return everything_made / "everything.mvmoe"


@pytest.fixture
def packed(mvmoe, bundle):
    """Packs a target with further words; gives what is printed as data."""

    def call(target, *words):
        code, out, err = mvmoe("pack", bundle, "--target", target, *words, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


@pytest.fixture(params=["app", "app.zip"])
def output(request, tmp_path):
    """A directory and a zip file that are not there yet."""
    return tmp_path / request.param


@pytest.mark.parametrize("target", TARGETS)
def test_a_pack_answers_as_the_bundle_and_is_pinned_by_its_own_hash(
    mvmoe, packed, bundle, output, target
):
    data = packed(target, "-o", output)
    assert (data["packed"], data["target"]) == (str(output), target)
    shipped = output.with_suffix("")
    if output.suffix:
        shutil.unpack_archive(output, shipped)
    pin = data["manifest_sha256"]
    assert pin != Bundle.open(bundle).manifest_sha256
    code, out, _ = mvmoe("verify", shipped, "--manifest-sha256", pin, "--json")
    report = json.loads(out)
    assert code == 0 and report["ok"] and list(report["targets"]) == [target]
    images = Bundle.open(bundle).golden()["image"]
    with (
        Dispatcher.open(bundle, target) as before,
        Dispatcher.open(shipped, target, manifest_sha256=pin) as after,
    ):
        for image in images:
            expected = before.run(image[None])
            np.testing.assert_equal(after.run(image[None]), expected)
    # The bundle it was made of is not the one that an app pinned.
    assert mvmoe("inspect", bundle, "--manifest-sha256", pin)[0] == 2
    on_disk = [path.stat().st_size for path in shipped.rglob("*") if path.is_file()]
    assert (data["bytes"], data["files"]) == (sum(on_disk), len(on_disk))


def test_without_an_output_it_is_a_zip_in_this_directory(mvmoe, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = mvmoe("pack", bundle, "--target", "onnx")
    assert code == 0 and out.startswith("wrote everything-onnx.zip: target onnx of ")
    assert [path.name for path in tmp_path.iterdir()] == ["everything-onnx.zip"]
    code, _, err = mvmoe("pack", bundle, "--target", "onnx")
    assert code == 2 and "--force" in err
    assert mvmoe("pack", bundle, "--target", "onnx", "--force")[0] == 0


def test_the_pin_is_printed(mvmoe, bundle, tmp_path):
    _, out, _ = mvmoe("pack", bundle, "--target", "onnx", "-o", tmp_path / "app")
    assert Bundle.open(tmp_path / "app").manifest_sha256 in out


def test_a_limit_ends_with_the_sizes_and_nothing_is_written(mvmoe, packed, bundle, tmp_path):
    size = packed("coreml", "-o", tmp_path / "fits", "--max-mb", "1")["bytes"]
    words = ("pack", bundle, "--target", "coreml", "-o", tmp_path / "app.zip")
    limit = (size - 1) / 1e6
    code, out, err = mvmoe(*words, "--max-mb", limit)
    assert code == 1 and err.startswith("error: target coreml of bundle")
    for row in ("step1_e0", "step1_e1", "stem", "each of 2 experts"):
        assert row in out
    code, out, _ = mvmoe(*words, "--max-mb", limit, "--json")
    found = json.loads(out)["error"]
    assert (code, found["code"], found["fields"]["bytes"]) == (1, "check.too-large", size)
    assert found["fields"]["graphs"].keys() == {"stem", "step1_e0", "step1_e1"}
    assert [len(row) for row in found["fields"]["experts"]] == [2]
    assert [path.name for path in tmp_path.iterdir()] == ["fits"]
    assert mvmoe(*words, "--max-mb", size / 1e6)[0] == 0


def test_a_wrong_pin_or_target_is_refused(mvmoe, bundle, tmp_path):
    words = ("pack", bundle, "-o", tmp_path / "app.zip")
    assert mvmoe(*words, "--target", "onnx", "--manifest-sha256", "0" * 64)[0] == 2
    code, _, err = mvmoe(*words, "--target", "tflite")
    assert code == 2 and "has no target 'tflite'" in err
    assert mvmoe(*words)[0] == 2
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import os, signal, sys
from mvmoe_deploy import cli
from mvmoe_deploy.bundle import bundle_pack

real = bundle_pack.checked_chunks
def interrupted(*arguments):
    yield next(real(*arguments))
    os.kill(os.getpid(), int(sys.argv[1]))
    yield b""

bundle_pack.checked_chunks = interrupted
cli.main(sys.argv[2:])
"""


def start(*words, **options):
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["app", "new/app.zip"])
def test_an_interrupted_pack_leaves_nothing(bundle, tmp_path, number, name):
    words = ("pack", bundle, "--target", "onnx", "-o", tmp_path / name)
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = start("-c", INTERRUPTED, int(number), *words, env=environment)
    said = done.stderr.strip().splitlines()[-1]  # Before it are lines of progress.
    assert (done.returncode, said) == (
        128 + number,
        "error: interrupted; no partial output was written",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["app", "app.zip"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(bundle, tmp_path, name):
    limit = 12_000  # Bytes a file may have: less than the weights, more than the manifest.
    done = start(
        "-m", "mvmoe_deploy", "pack", bundle, "--target", "onnx", "-o", tmp_path / name,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "could not be written" in done.stderr and "free some space" in done.stderr
    assert done.stderr.count("error: ") == 1
    assert list(tmp_path.iterdir()) == []
