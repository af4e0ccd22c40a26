"""What a user of bundles does, with the distribution that is installed: no PyTorch, no fixtures.

`tools/version-ends` runs this file in environments of its own, `tests/packaging` in this one. It
needs pytest and what `mvmoe-deploy[onnx]` brings.
"""

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy import Bundle, Dispatcher, MvmoeError, UntestedEngineWarning, verify_bundle

BUNDLES = Path(__file__).parents[2] / "conformance" / "answers" / "bundles"
NAMES = ("dispatch", "experts", "bind", "two_stages", "in_graph", "kept")


def mvmoe(*arguments):
    """The object that a command prints with --json."""
    done = subprocess.run(
        [sys.executable, "-m", "mvmoe_deploy", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_answers_as_its_golden_vectors(name):
    bundle = Bundle.open(BUNDLES / name)
    bundle.verify()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UntestedEngineWarning)
        with Dispatcher.open(BUNDLES / name, threads=1) as dispatcher:
            dispatcher.check().require_ok()
            images = bundle.golden()["image"]
            assert dispatcher.run(images)["answer"].shape[0] == len(images)
    assert verify_bundle(bundle).ok


def test_one_expert_in_memory_answers_as_all(tmp_path):
    images = Bundle.open(BUNDLES / "dispatch").golden()["image"]
    with Dispatcher.open(BUNDLES / "dispatch", threads=1) as dispatcher:
        answers = dispatcher.run(images)["answer"]
    with Dispatcher.open(BUNDLES / "dispatch", threads=1, max_resident_experts=1) as dispatcher:
        np.testing.assert_array_equal(dispatcher.run(images)["answer"], answers)


@pytest.mark.parametrize("where", [b"../../s.bin", b"../weig.bin"])
def test_weights_outside_of_the_bundle_are_not_read(tmp_path, where):
    # ONNX Runtime before 1.24 reads them: they are the bundle's own weights under another name.
    copied = shutil.copytree(BUNDLES / "dispatch", tmp_path / "a" / "bundle")
    for outside in (tmp_path / "a" / "s.bin", copied / "weig.bin"):
        shutil.copy(copied / "onnx" / "weights.bin", outside)
    for graph in copied.glob("onnx/*.onnx"):
        graph.write_bytes(graph.read_bytes().replace(b"weights.bin", where))
    with pytest.raises(MvmoeError) as caught:
        Dispatcher.open(copied, threads=1, verify=False)
    assert caught.value.code.startswith("engine.")


def test_commands_read_verify_and_run_a_bundle(tmp_path):
    image = tmp_path / "image.png"
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(image)
    bundle = BUNDLES / "dispatch"
    assert mvmoe("inspect", bundle)["targets"]
    assert mvmoe("verify", bundle)["ok"]
    assert mvmoe("run", bundle, image)
