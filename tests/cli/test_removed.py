"""Bundles from which somebody removed the files of a target, without a word in the manifest."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.verification.bundle_verification import verify_bundle

GONE = "its files were removed from the bundle: executorch/model.pte"


@pytest.fixture
def bundle(everything_made, tmp_path):
    """A bundle of onnx and coreml, whose manifest has executorch too."""
    copy = shutil.copytree(everything_made / "everything.mvmoe", tmp_path / "copy.mvmoe")
    (copy / "executorch/model.pte").unlink()
    return copy


def test_inspect_tells_what_is_not_there_and_checks_the_rest(mvmoe, bundle):
    code, out, _ = mvmoe("inspect", bundle, "--json")
    data = json.loads(out)
    assert (code, data["removed_targets"]) == (0, {"executorch": GONE})
    assert list(data["targets"]) == ["onnx", "coreml", "executorch"]
    code, out, _ = mvmoe("inspect", bundle)
    assert code == 0
    assert f"target executorch: not there; {GONE}" in out and "target coreml: strategy" in out
    (bundle / "coreml/stem.mlpackage/Manifest.json").write_text("altered")
    code, _, err = mvmoe("inspect", bundle)
    assert code == 2 and "coreml/stem.mlpackage/Manifest.json" in err


def test_verify_checks_what_is_there_and_tells_what_it_skips(mvmoe, bundle):
    code, out, _ = mvmoe("verify", bundle, "--json")
    data = json.loads(out)
    assert (code, data["ok"], list(data["targets"])) == (0, True, ["onnx", "coreml"])
    assert data["skipped"] == {"executorch": GONE}
    code, out, _ = mvmoe("verify", bundle)
    assert code == 0 and f"target executorch: not verified; {GONE}" in out


def test_a_target_that_was_asked_for_must_be_there(mvmoe, bundle):
    words = ("verify", bundle, "--target", "onnx", "--target", "executorch")
    code, out, err = mvmoe(*words)
    assert (code, out) == (2, "") and "executorch/model.pte" in err
    assert mvmoe("pack", bundle, "--target", "executorch", "-o", bundle.parent / "app")[0] == 2
    assert mvmoe("pack", bundle, "--target", "onnx", "-o", bundle.parent / "app")[0] == 0


def test_a_bundle_without_any_target_is_refused(mvmoe, bundle):
    for folder in ("onnx", "coreml"):
        shutil.rmtree(bundle / folder)
    for command in ("inspect", "verify"):
        code, out, err = mvmoe(command, bundle)
        assert (code, out) == (2, "") and "is missing" in err


def test_the_library_skips_what_the_command_skips(bundle):
    report = verify_bundle(Bundle.open(bundle))
    assert list(report.targets) == ["onnx", "coreml"] and report.skipped == {"executorch": GONE}


def test_the_others_are_run(mvmoe, bundle, everything_made, tmp_path):
    whole = everything_made / "everything.mvmoe"
    images = Bundle.open(bundle).golden()["image"][:1]
    for target in ("onnx", "coreml"):
        with Dispatcher.open(bundle, target) as left, Dispatcher.open(whole, target) as before:
            np.testing.assert_equal(left.run(images), before.run(images))
    with pytest.raises(BundleError) as caught:
        Dispatcher.open(bundle, "executorch")
    assert caught.value.code == "bundle.file-missing"
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    assert mvmoe("run", bundle, tmp_path / "image.png")[0] == 0
