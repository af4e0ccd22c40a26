"""`mvmoe train --from`: from a dense run to a routed one, and from that to another."""

import json
from dataclasses import asdict

import pytest
from json_page import documented

from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.training import digits_preprocessing

DENSE = ViTConfig(
    image_size=8, patch_size=4, in_channels=1, num_classes=7, width=8, depth=2, heads=2
)
ONCE = ("--moe-epochs", "1", "--routing", "end-to-end", "--threads", "1")


@pytest.fixture
def files(tmp_path):
    """A dense checkpoint of seven classes, and the configuration of the routed model."""
    save_checkpoint(
        Checkpoint(build(DENSE, digits_preprocessing(DENSE), seed=0)), tmp_path / "dense"
    )
    routed = {"family": "mobile_vmoe", "config": {**asdict(DENSE), "experts": 2, "moe_layers": 1}}
    (tmp_path / "routed.json").write_text(json.dumps(routed))
    return tmp_path / "dense", tmp_path / "routed.json"


def test_a_dense_checkpoint_is_tuned_and_then_tuned_further(mvmoe, files, tmp_path):
    dense, routed = files
    words = ("train", "--from", dense, "--preset", routed, "-o", tmp_path / "one", *ONCE)
    code, out, _ = mvmoe(*words)
    assert code == 0
    assert f"started from the vit in {dense}" in out
    assert "head.weight starts fresh, [10, 8] instead of the checkpoint's [7, 8]" in out

    tuned = tmp_path / "one" / "end-to-end"
    code, out, err = mvmoe("train", "--from", tuned, "-o", tmp_path / "two", *ONCE, "--json")
    assert code == 0 and "error" not in err
    report = json.loads(out)
    assert set(report) == documented()["train"]
    assert (report["dense"], report["start"]["family"]) == (None, "mobile_vmoe")
    code, out, _ = mvmoe("train", "--from", tuned, "-o", tmp_path / "two", *ONCE, "--resume")
    assert code == 0


def test_what_a_dense_checkpoint_becomes_has_to_be_said(mvmoe, files, tmp_path):
    dense, _ = files
    code, out, err = mvmoe("train", "--from", dense, "-o", tmp_path / "run")
    assert (code, out) == (2, "")
    assert "is a dense vit; name with --preset the routed model" in err
    code, _, err = mvmoe("train", "--from", dense, "--preset", "digits", "-o", tmp_path / "run")
    assert code == 2 and "it was trained with heads 2, and its weights mean nothing with 4" in err
    assert not (tmp_path / "run").exists()
