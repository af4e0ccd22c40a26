"""`mvmoe export --constant-route` and `--keep-experts`, and what `mvmoe verify` says then."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import PART
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.training.datasets import find_data_set


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A model that sends digits to several of its four experts."""
    config = replace(PART.presets()["digits"], width=16, depth=2, moe_layers=1, heads=2)
    model = build(replace(config, router_input="mean"), seed=4)
    pixels, _ = find_data_set("digits").split("test")
    images = torch.from_numpy(np.stack([preprocess(image, model.input) for image in pixels]))
    with torch.no_grad():
        model.routers[0].weight.mul_(40)
        # What all images have in common would send them to one expert.
        logits = model.eval().forward_routed(images).router_logits[0]
        model.routers[0].bias.sub_(logits.mean(dim=0))
    path = tmp_path_factory.mktemp("restricted") / "model"
    labels = tuple(find_data_set("digits").classes)
    save_checkpoint(Checkpoint(model=model, name="digits", labels=labels), path)
    return path


def shares(mvmoe, checkpoint, bundle):
    words = ("--checkpoint", checkpoint, "--data", "digits", "--images", 60, "--json")
    code, out, err = mvmoe("verify", bundle, *words)
    assert code == 0, err
    return json.loads(out)["kept"]


def test_a_constant_route_becomes_one_graph(mvmoe, checkpoint, tmp_path):
    words = ("export", checkpoint, "-o", tmp_path / "b", "--constant-route", "1:3", "--json")
    code, _, err = mvmoe(*words)
    assert code == 0, err
    assert "mvmoe verify" in err
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert len(manifest["stages"]) == len(manifest["targets"]["onnx"]["graphs"]) == 1
    (restriction,) = manifest["restrictions"]
    assert (restriction["stage"], restriction["route"], restriction["kept"]) == (1, [3], None)
    _, shown, _ = mvmoe("inspect", tmp_path / "b")
    assert "restricted at stage 1 of the model: every image takes 3 (top 1 of 4 experts" in shown
    kept = shares(mvmoe, checkpoint, tmp_path / "b")
    assert kept["images"] == 60
    assert kept["routes"] <= kept["answers"]
    assert kept["routes"] < 60


def test_kept_experts_and_what_they_cost_on_given_images(mvmoe, checkpoint, tmp_path):
    words = ("export", checkpoint, "-o", tmp_path / "b", "--keep-experts", "1:3,0")
    code, out, err = mvmoe(*words, "--calibrate", "digits")
    assert code == 0, err
    assert "% of 359 images keep their routes, " in err
    assert "only 0 and 3" in out
    kept = shares(mvmoe, checkpoint, tmp_path / "b")
    assert 0 < kept["routes"] < 60
    whole = tmp_path / "whole"
    assert mvmoe("export", checkpoint, "-o", whole)[0] == 0
    assert shares(mvmoe, checkpoint, whole) is None


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--constant-route", "3"), "constant-route"),
        (("--constant-route", "1:"), "constant-route"),
        (("--keep-experts", "1:0,0"), "keep-experts"),
        (("--keep-experts", "1:0,-1"), "keep-experts"),
        (("--keep-experts", "1:0", "--keep-experts", "1:1"), "keep-experts"),
        (("--keep-experts", "1:0,9"), "keep-experts"),
        (("--keep-experts", "2:0"), "restrictions"),
    ],
)
def test_what_cannot_be_restricted_is_one_sentence(mvmoe, checkpoint, words, name, tmp_path):
    code, out, err = mvmoe("export", checkpoint, "-o", tmp_path / "b", *words, "--json")
    assert code == 2
    error = json.loads(out)["error"]
    assert (error["code"], error["fields"]["name"]) == ("input.option", name)
    assert err.count("\n") == 1
    assert not (tmp_path / "b").exists()
