"""`mvmoe routing` with a router that was collapsed by hand, and one that is healthy."""

import io
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from mvmoe_deploy import cli
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli.router_verdicts import show_stages
from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.router_health import ModelSource, RouteCounts, count_routes, judge
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.verification.routers_report import judge_routers
from mvmoe_deploy.verification.routes_of_images import routed_alone, take_routes
from mvmoe_export.parity.pytorch import PyTorchReference

CONFIG = MobileVMoEConfig(
    image_size=8, patch_size=4, in_channels=1, num_classes=3, width=16, depth=2, heads=2,
    experts=3, moe_layers=1,
)  # fmt: skip
COUNT = 390
"""Images: a collapse takes 368."""


def pictures():
    """Images `[n, 8, 8]` (uint8) of four even quarters."""
    rng = np.random.default_rng(0)
    quarters = rng.integers(0, 256, (COUNT, 2, 2), dtype=np.uint8)
    return quarters.repeat(4, axis=1).repeat(4, axis=2)


def model(*, to=None):
    """Random weights under which experts are preferred alike; or one, `to`, by 50."""
    made = build(CONFIG, seed=3).eval()
    generator = torch.Generator().manual_seed(1)
    inputs = torch.from_numpy(pictures()[:, None] / np.float32(127.5) - 1)
    with torch.no_grad():
        for parameter in made.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise / (parameter[0].numel() if parameter.ndim > 1 else 10) ** 0.5)
        bias = made.routers[0].bias
        bias -= made.forward_routed(inputs).router_logits[0].mean(dim=0)
        if to is not None:
            bias[to] += 50.0
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Checkpoints `healthy` and `collapsed`, a bundle of each, and `images` of three classes."""
    root = tmp_path_factory.mktemp("routing")
    for number, pixels in enumerate(pictures()):
        folder = root / "images" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    for name, to in (("healthy", None), ("collapsed", 1)):
        save_checkpoint(Checkpoint(model(to=to), labels=["a", "b", "c"]), root / name)
        words = ["export", root / name, "-o", root / f"{name}.mvmoe", "--skip-verify"]
        with pytest.raises(SystemExit) as ended:
            cli.main(list(map(str, words)))
        assert ended.value.code == 0
    return root


@pytest.fixture
def routing(mvmoe, folder, monkeypatch):
    """Runs the command in the folder; gives the exit code and the object on stdout."""
    monkeypatch.chdir(folder)

    def call(*words):
        code, out, _ = mvmoe("routing", *words, "--json")
        return code, json.loads(out)

    return call


def test_a_checkpoint_that_was_collapsed_by_hand(routing):
    code, data = routing("collapsed", "--data", "images")
    assert (code, data["verdict"], data["reference"], data["images"]) == (
        0, "collapsed", "pytorch", COUNT,
    )  # fmt: skip
    (stage,) = data["engines"]["pytorch"]["stages"]
    assert stage["routes"] == [
        {"images": COUNT, "share": 1.0, "low": pytest.approx(0.025 ** (1 / COUNT)), "high": 1.0,
         "route": [1]},
    ]  # fmt: skip
    assert [each["verdict"] for each in stage["findings"]][:2] == ["collapsed", "unused-experts"]
    command = stage["findings"][0]["advice"][0]["command"]
    assert command == "mvmoe export collapsed --constant-route 1:1 -o collapsed-constant.mvmoe"
    assert stage["unused"] == [0, 2] and stage["margin"]["near_ties"]["images"] == 0
    assert [(each["name"], each["experts"]) for each in stage["classes"]] == [
        (name, [0, COUNT // 3, 0]) for name in "abc"
    ]


def test_a_healthy_one(routing):
    code, data = routing("healthy", "--data", "images")
    (stage,) = data["engines"]["pytorch"]["stages"]
    assert (code, data["verdict"], stage["findings"]) == (0, "healthy", [])
    assert sum(use["images"] for use in stage["experts_used"]) == COUNT
    assert 1.5 <= stage["effective_experts"] <= 3
    assert all(use["low"] < use["share"] < use["high"] for use in stage["experts_used"])


@pytest.mark.parametrize("name", ["healthy", "collapsed"])
def test_a_bundle_alone_and_beside_its_checkpoint(routing, name):
    code, data = routing(f"{name}.mvmoe", "--data", "images")
    assert (code, data["reference"], data["verdict"]) == (0, "onnx", name)
    assert data["engines"]["onnx"]["drift"] is None
    _, both = routing(f"{name}.mvmoe", "--data", "images", "--checkpoint", name)
    assert list(both["engines"]) == ["pytorch", "onnx"]
    drift = both["engines"]["onnx"]["drift"]
    assert drift["reference"] == "pytorch"
    assert drift["whole_way"]["images"] == COUNT
    assert drift["stages"][0]["largest_logit_error"] < 1e-4
    assert (
        both["engines"]["onnx"]["stages"][0]["routes"]
        == (data["engines"]["onnx"]["stages"][0]["routes"])
    )


def test_a_router_that_was_changed_drifts(folder):
    loaded = [PyTorchReference(load_checkpoint(folder / "healthy").model) for _ in range(2)]
    with torch.no_grad():
        loaded[1].model.routers[0].bias[0] += 0.5
    stages, inputs = (
        loaded[0].described.stages,
        np.random.default_rng(1).normal(size=(100, 1, 8, 8)),
    )
    engines = {
        name: routed_alone(each.stages, stages)
        for name, each in zip(("pytorch", "other"), loaded, strict=True)
    }
    record = Bundle.open(folder / "healthy.mvmoe").target("onnx")
    taken = take_routes(engines, stages, [inputs.astype(np.float32)])
    names = dict.fromkeys(engines, ("PyTorch", None))
    found = judge_routers(taken, names, {"other": record}, None, ModelSource())
    (stage,) = found["other"].drift.stages
    assert stage.largest_logit_error == pytest.approx(0.5, abs=1e-4)
    moved = (taken.taken["other"].members_at(1) != taken.taken["pytorch"].members_at(1)).any(axis=1)
    assert stage.other_route == moved.sum() > 0
    assert stage.same_route.high < 1.0


def test_fewer_than_30_images_have_no_verdict(routing):
    code, data = routing("collapsed", "--data", "images", "--images", 20)
    (stage,) = data["engines"]["pytorch"]["stages"]
    assert (code, data["verdict"], stage["verdict"], stage["images"]) == (0, None, None, 20)
    assert "a verdict needs 30" in stage["reason"]


def test_a_verdict_may_be_required(mvmoe, folder, monkeypatch):
    monkeypatch.chdir(folder)
    words = ("--data", "images", "--require")
    assert mvmoe("routing", "healthy", *words, "healthy")[0] == 0
    code, out, err = mvmoe("routing", "collapsed", *words, "unused-experts")
    assert code == 1 and "collapsed" in out
    assert "--require unused-experts was given" in err
    few = (*words, "healthy", "--images", "20")
    assert mvmoe("routing", "healthy", *few)[0] == 1


def test_what_a_person_sees(mvmoe, folder, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, _ = mvmoe("routing", "collapsed.mvmoe", "--data", "images")
    lines = [line.rstrip() for line in out.splitlines()]
    assert code == 0
    assert "router of stage 1: collapsed" in lines
    assert "  100.0% (99.1 to 100.0) of the images go to expert 1" in lines
    assert "    mvmoe export CHECKPOINT --constant-route 1:1 -o collapsed-constant.mvmoe" in lines
    assert any("thresholds: collapsed:" in line and "3.33%" in line for line in lines)
    assert "a         130   -  100%   -" in lines


def test_verify_on_real_images_says_it_too_and_on_golden_ones_nothing(mvmoe, folder, monkeypatch):
    monkeypatch.chdir(folder)
    words = ("verify", "collapsed.mvmoe", "--checkpoint", "collapsed")
    code, out, err = mvmoe(*words, "--data", "images", "--json")
    assert code == 0, err
    (stage,) = json.loads(out)["routers"]
    assert (stage["verdict"], stage["images"]) == ("collapsed", COUNT)
    code, out, _ = mvmoe(*words, "--data", "images", "--images", 40)
    assert "router of stage 1: imbalanced: " in out and "it takes 368 images" in out
    code, out, _ = mvmoe(*words, "--json")
    assert (code, json.loads(out)["routers"]) == (0, None)
    assert json.loads(mvmoe("verify", "collapsed.mvmoe", "--json")[1])["routers"] is None


def test_a_model_of_ones_own(routing, folder):
    (folder / "own.py").write_text(
        "from mvmoe_deploy.models import load_checkpoint\n"
        "def make():\n    return load_checkpoint('collapsed').model\n"
    )
    code, data = routing("--model", "own.py:make", "--data", "images")
    assert (code, data["verdict"], data["model"]) == (0, "collapsed", "own.py:make")
    advice = data["engines"]["pytorch"]["stages"][0]["findings"][0]["advice"]
    assert advice[0]["command"].startswith("mvmoe export --model own.py:make --constant-route 1:1 ")


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has Core ML")
def test_an_evaluator_in_place_of_an_engine_is_asked_if_it_is_named(mvmoe, everything_made, folder):
    bundle = everything_made / "everything.mvmoe"
    words = ("routing", bundle, "--data", folder / "images", "--images", 3, "--json")
    code, out, err = mvmoe(*words)
    assert code == 0, err
    data = json.loads(out)
    assert "coreml" not in data["engines"] and "--target coreml" in data["skipped"]["coreml"]
    assert {"onnx", "executorch"} <= data["engines"].keys()
    code, out, _ = mvmoe(*words, "--target", "coreml")
    named = json.loads(out)
    assert (code, named["reference"], named["skipped"]) == (0, "coreml", {})
    assert named["engines"]["coreml"]["stands_in_for"] == "Core ML"
    assert (
        named["engines"]["coreml"]["stages"][0]["routes"]
        == (data["engines"]["onnx"]["stages"][0]["routes"])
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["healthy", "--data", "nowhere"], "data.invalid"),
        (["healthy", "--data", "empty"], "input.no-images"),
        (["healthy", "--data", "strange"], "data.invalid"),
        (["healthy", "--data", "digits"], "data.invalid"),
        (["nothing", "--data", "images"], "checkpoint.missing"),
        (["--data", "images"], "input.option"),
        (["healthy", "--data", "images", "--target", "onnx"], "input.option"),
        (["healthy", "--model", "own.py:make", "--data", "images"], "input.option"),
        (["healthy.mvmoe", "--data", "images", "--mean", "0.5"], "input.option"),
        (["healthy.mvmoe", "--data", "images", "--target", "coreml"], "bundle.no-target"),
        (["healthy.mvmoe", "--data", "images", "--checkpoint", "collapsed"],
         "checkpoint.other-model"),
        (["dense", "--data", "images"], "input.invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_an_error_with_a_code(routing, folder, words, code):
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "strange" / "z").mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8)).save(folder / "strange/z/0.png")
    if not (folder / "dense").exists():
        save_checkpoint(Checkpoint(build(CONFIG.dense(), seed=0)), folder / "dense")
    exit_code, data = routing(*words)
    assert exit_code == 2
    assert data["error"]["code"] == code


def test_an_image_that_cannot_be_read_is_named(routing, folder, tmp_path):
    for number in range(3):
        Image.new("L", (8, 8)).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"no image")
    code, data = routing("healthy", "--data", str(tmp_path))
    assert (code, data["error"]["code"]) == (2, "image.invalid")
    assert "1.png" in data["error"]["message"]


def test_of_many_stages_those_with_findings_are_shown_in_full():
    def stage(number, *images):
        routes = {(expert,): n for expert, n in enumerate(images) if n}
        return judge(RouteCounts(number, len(images), "a rule", routes, sum(images)))

    stages = [stage(n, 0, 500) if n in (3, 9) else stage(n, 250, 250) for n in range(1, 13)]
    out = Console(width=100, record=True, file=io.StringIO())
    show_stages(out, stages)
    shown = out.export_text()
    assert shown.count("what to do: ") == 2
    assert "--constant-route 9:1 " in shown
    assert shown.count("router of stage") == 12
    assert "router of stage 1: healthy: 500 images use 2 experts as evenly as 2.00" in shown


def test_many_routes_experts_and_classes_are_cut_with_their_number():
    rng = np.random.default_rng(0)
    rule = TopK(experts=64, k=2)
    members, _ = rule.select(rng.normal(size=(5000, 64)).astype(np.float32))
    groups = [f"class {number % 100:02d}" for number in range(5000)]
    out = Console(width=80, record=True, file=io.StringIO())
    show_stages(out, [judge(count_routes(1, rule, members, groups))])
    shown = out.export_text()
    assert "... and 52 more experts (all are in --json)" in shown
    assert "more routes (all are in --json)" in shown
    assert "... and 80 more classes and 56 more experts (all are in --json)" in shown
    assert max(map(len, shown.splitlines())) <= 80
